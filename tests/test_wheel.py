"""The built wheel and sdist hold everything, and the robot side needs little."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "stable_baselines3", "gymnasium", "mujoco")
pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path | None = None) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    result = subprocess.run(
        command, cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel from the files git knows, as a release does."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    names = run("git", "-C", str(ROOT), "ls-files", "-z").split("\0")
    for name in filter(None, names):
        old, new = ROOT / name, source / name
        if not old.is_symlink() and not old.is_file():
            continue
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.is_symlink():
            new.symlink_to(os.readlink(old))
        else:
            new.write_bytes(old.read_bytes())
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(source))
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel, built from the sdist."""
    (path,) = built.glob("*.whl")
    return path


def base_distributions() -> set[str]:
    """Return the distributions that ``pip install forearm`` alone brings along."""
    todo, seen = ["forearm"], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in distribution(name).requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo.append(need.name)
    return seen - {"forearm"}


@pytest.fixture(scope="module")
def robot_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment with the wheel and its base dependencies and nothing else.

    The dependencies are linked from this environment: only what belongs to them is
    there to be imported, without downloading anything.
    """
    folder = tmp_path_factory.mktemp("robot")
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", code).strip())
    for name in base_distributions():
        found = distribution(name)
        tops = {file.parts[0] for file in found.files or [] if file.parts[0] != ".."}
        for top in tops - {"__pycache__", "bin"}:
            target = site / top
            if not target.exists():
                target.symlink_to(Path(str(found.locate_file(top))))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return python


def test_every_package_is_in_the_wheel(wheel: Path) -> None:
    """Every module under version control, so that none is left out of the list."""
    tracked = run("git", "-C", str(ROOT), "ls-files", "*.py").split()
    outside = {"tests", "benchmarks", "examples", "launch", "docs", ".ci"}
    expected = {
        f"forearm/{name}"
        for name in tracked
        if name.split("/")[0] not in outside and (ROOT / name).is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert expected - names == set()
    assert "forearm/py.typed" in names
    assets = {f"forearm/sim/assets/{p.name}" for p in ROOT.glob("sim/assets/*.xml")}
    assert assets - names == set()
    modules = {name for name in names if name.endswith(".py")}
    assert modules - expected == set()


def test_the_sdist_does_not_walk_into_the_link_for_type_checkers(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = archive.getnames()
    assert not [name for name in names if "typings/forearm/" in name]
    assert any(name.endswith("sim/assets/ur5e.xml") for name in names)


def test_the_robot_side_imports_without_the_training_side(robot_python: str) -> None:
    """core/ and deploy/; a module that needs ROS says so and nothing else."""
    code = f"""
import importlib, importlib.util, pkgutil, sys
assert not [n for n in {HEAVY!r} if importlib.util.find_spec(n)], "not a clean place"
import forearm, forearm.core, forearm.deploy
assert "site-packages" in forearm.__file__, forearm.__file__
done = []
for room in (forearm.core, forearm.deploy):
    for info in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        try:
            module = importlib.import_module(info.name)
        except ModuleNotFoundError as error:
            top = error.name.split(".")[0]
            assert top == "rclpy" or top.endswith(("_msgs", "_interfaces", "_srvs")), (
                info.name, error.name)
            continue
        for name in getattr(module, "__all__", ()):
            getattr(module, name)
        done.append(info.name)
print(" ".join(done))
"""
    done = run(robot_python, "-c", code).split()
    assert {"forearm.core.bundle", "forearm.core.interface"} <= set(done)


def test_package_data_is_found_where_the_wheel_is_installed(robot_python: str) -> None:
    code = (
        "from importlib.resources import files\n"
        "print((files('forearm') / 'sim/assets/ur5e.xml').is_file(),"
        " (files('forearm') / 'py.typed').is_file())"
    )
    assert run(robot_python, "-c", code).split() == ["True", "True"]


def test_the_command_names_the_missing_package_in_one_sentence(
    robot_python: str,
) -> None:
    result = subprocess.run(
        [robot_python, "-m", "forearm.cli.main", "discrete", "lattice"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "needs the package" in result.stderr
    assert "ur5e" in run(robot_python, "-m", "forearm.cli.main", "robots")
