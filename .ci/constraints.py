"""Print exact pins of every package that ``forearm[all,dev]`` needs here."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(name: str, extras: tuple[str, ...]) -> set[str]:
    """Return the names of everything ``name[extras]`` needs, itself left out."""
    todo = [(canonicalize_name(name), extra) for extra in ("", *extras)]
    done: set[tuple[str, str]] = set()
    while todo:
        item = todo.pop()
        if item in done:
            continue
        done.add(item)
        package, extra = item
        for line in distribution(package).requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                found = canonicalize_name(need.name)
                todo.extend((found, e) for e in ("", *need.extras))
    return {package for package, _ in done} - {canonicalize_name(name)}


def main() -> int:
    """Print the pins; a local version such as ``+cpu`` is left to the index."""
    try:
        names = sorted(closure("forearm", ("all", "dev")))
    except PackageNotFoundError as error:
        print(f"{error.name} is not installed; run `make test` first", file=sys.stderr)
        return 2
    print("# Exact versions the set-up commands install; see `make constraints`.")
    for name in names:
        print(f"{name}=={version(name).split('+')[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
