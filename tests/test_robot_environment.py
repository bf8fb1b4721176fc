"""A separate environment with nothing but ``forearm[ros]``: it runs, and it is small.

The environment is a real one: its own interpreter link, the built files of this
checkout, and every file that the needed distributions say they own, hard-linked from
the environment of the tests, so that nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Task, forearm, supervised

pytestmark = [pytest.mark.slow, pytest.mark.ros]

LARGEST = 400e6
"""Size of the environment, bytecode too [byte]."""

HEAVY = ("torch", "stable_baselines3", "gymnasium", "mujoco", "scipy", "onnx")


def needed(root: Path) -> set[str]:
    """Return the distributions that ``pip install forearm[ros]`` brings along.

    What forearm asks for is read from the checkout, not from what is installed here.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["ros"]
    todo = [(Requirement(line), frozenset({""})) for line in lines]
    done: set[tuple[str, frozenset[str]]] = set()
    while todo:
        need, extras = todo.pop()
        marker = need.marker
        if marker and not any(marker.evaluate({"extra": e}) for e in extras):
            continue
        item = (canonicalize_name(need.name), frozenset({"", *need.extras}))
        if item not in done:
            done.add(item)
            more = distribution(item[0]).requires or []
            todo += [(Requirement(line), item[1]) for line in more]
    return {name for name, _ in done}


@pytest.fixture(scope="module")
def robot_home(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment."""
    pytest.importorskip("rclpy", reason="the extra `ros` is not installed")
    home = tmp_path_factory.mktemp("robot") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    for name in needed(root):
        for file in distribution(name).files or []:
            old = Path(str(file.locate())).resolve()
            inside = old.is_relative_to(Path(sys.prefix).resolve())
            if not inside or not old.is_file() or old.is_relative_to(root / "typings"):
                continue
            new = home / old.relative_to(Path(sys.prefix).resolve())
            new.parent.mkdir(parents=True, exist_ok=True)
            if not new.exists():
                try:
                    os.link(old, new)
                except OSError:  # another file system
                    shutil.copy2(old, new)
    (site,) = home.glob("lib/python*/site-packages")
    for folder in ("core", "deploy", "cli"):
        shutil.copytree(root / folder, site / "forearm" / folder)
    for file in ("__init__.py", "py.typed"):
        shutil.copy2(root / file, site / "forearm" / file)
    about = site / "forearm-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: forearm\nVersion: 0\n"
    )
    return home


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment that knows nothing of the one the tests run in."""
    # The ROS wheels' own start-up passes its library path on to children.
    gone = ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in gone and not k.startswith(("PYTHON", "COV_"))
    }
    return {**kept, "PATH": f"{home / 'bin'}:/usr/bin:/bin"}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(home / "bin" / "python"), *arguments],
        env=clean_environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_environment_is_smaller_than_400_megabytes(robot_home: Path) -> None:
    compiled = run(robot_home, "-m", "compileall", "-q", str(robot_home / "lib"))
    assert compiled.stdout.count("SyntaxError") == 0
    files = [f for f in robot_home.rglob("*") if f.is_file() and not f.is_symlink()]
    total = sum(f.stat().st_size for f in files)
    assert 200e6 < total < LARGEST, f"{total / 1e6:.0f} MB"


def test_nothing_of_the_training_side_can_be_imported(robot_home: Path) -> None:
    code = f"""
import importlib.util as u, sys
import forearm, forearm.deploy.node, forearm.deploy.recorder, forearm.deploy.guard_node
assert not [n for n in {HEAVY!r} if u.find_spec(n)], "not a clean place"
print(forearm.__file__)
"""
    result = run(robot_home, "-c", code)
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).is_relative_to(robot_home)


@pytest.mark.usefixtures("ros_domain")
def test_a_bundle_drives_an_arm_from_there(robot_home: Path, tmp_path: Path) -> None:
    from forearm.core.robots import get_robot

    bundle = sample_bundle(tmp_path / "bundle", get_robot("ur5e"))
    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    with supervised([plant], tmp_path / "out"):
        result = run(
            robot_home,
            *("-m", "forearm.cli.main", "deploy", str(bundle.path), "--wait", "40"),
            *("--seconds", "3", "--record", str(tmp_path / "log")),
        )
    assert result.returncode == 0, result.stderr
    assert "ticks: 1" in result.stdout
    assert (tmp_path / "log" / "metadata.yaml").is_file()
