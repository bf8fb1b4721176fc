"""The shape of the project: who imports whom, how long things are, what is said."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CORE = {"array_api_compat", "numpy", "pydantic", "yaml"}
LOG = {"mcap", "rosbags"}
LEARNING = {"gymnasium", "onnx", "onnxruntime", "rich", "stable_baselines3", "torch"}
ROS = {
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rclpy",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "trajectory_msgs",
}

FOLDERS: dict[str, tuple[set[str], set[str]]] = {
    "core": ({"core"}, CORE),
    "sim": (
        {"core", "sim"},
        {"gymnasium", "imageio", "mujoco", "numpy", "pydantic", "scipy"},
    ),
    "policies": ({"core", "sim", "policies"}, {"mujoco", "numpy", *LEARNING}),
    "calibration": (
        {"core", "sim", "calibration"},
        {"mujoco", "numpy", "plotly", "pydantic", "rich", "scipy"},
    ),
    "deploy": ({"core", "deploy"}, {"numpy", "onnxruntime", "pydantic", "yaml"}),
    "cli": (
        {"core", "sim", "policies", "calibration", "deploy", "cli"},
        {
            "gymnasium",
            "mujoco",
            "numpy",
            "plotly",
            "rich",
            "stable_baselines3",
            "torch",
        },
    ),
    "launch": ({"core", "deploy"}, {"ament_index_python", "launch", "launch_ros"}),
}
"""Folder -> (folders it may import from, packages it may import)."""

EXTRA: dict[str, set[str]] = {
    "core/*log*.py": LOG,
    "core/ros.py": ROS,
    "core/signature.py": {"cryptography"},
    "deploy/*node*.py": ROS,
    "deploy/*ros*.py": ROS,
    "deploy/backends.py": ROS,
    "deploy/diagnostics.py": ROS,
    "deploy/targets.py": ROS,
    "deploy/bag.py": LOG,
    "deploy/*record*.py": ROS | LOG,
    "deploy/sample.py": {"onnx"},
    "sim/*node*.py": ROS,
    "sim/kernels.py": {"numba"},
    "sim/view*.py": {"viser"},
    "sim/*vec_env*.py": {"stable_baselines3"},
    "sim/*vector_env*.py": {"stable_baselines3"},
    "launch/setup.py": {"setuptools"},
}
"""Single files that may import more than their folder; a new line is a decision."""

ROBOT_SIDE = ("core", "deploy")

LONGEST_FILE, LONGEST_FUNCTION = 300, 50

FORBIDDEN = ("/wo" + "rk/", "shared/" + "design", "/tmp/" + "brief", "TO" + "DO")
"""What the text of the project never says (put together here, so as not to say it)."""


def source_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


SOURCES = [path for folder in FOLDERS for path in source_files(folder)]
MODULES = [path for path in SOURCES if path.parts[len(ROOT.parts)] != "launch"]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_source = pytest.mark.parametrize("path", SOURCES, ids=label)
each_module = pytest.mark.parametrize("path", MODULES, ids=label)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: ast.Module) -> list[tuple[int, str]]:
    """Return (relative level, dotted name) of every import, also inside functions."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "forearm":
            found += [(0, f"forearm.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


def refused(relative: Path, module: ast.Module) -> list[str]:
    """Return the imports of ``module`` that its place does not allow."""
    folders, packages = FOLDERS[relative.parts[0]]
    allowed = packages | sys.stdlib_module_names
    for pattern, more in EXTRA.items():
        if relative.match(pattern):
            allowed = allowed | more
    problems = []
    for level, name in imports(module):
        parts = name.split(".")
        if level > 1:
            problems.append(f"'from {'.' * level}{name}' reaches out of its folder")
        elif level == 0 and parts[0] == "forearm":
            if parts[1:2] not in [[f] for f in folders] and name != (
                "forearm.__version__"
            ):
                problems.append(f"{name} is not upstream of {relative.parts[0]}/")
        elif level == 0 and parts[0] not in allowed:
            problems.append(f"{name} is not on the list of {relative.parts[0]}/")
    return problems


@each_source
def test_imports_are_on_the_list(path: Path) -> None:
    assert refused(path.relative_to(ROOT), tree(path)) == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("deploy/node.py", "import torch"),
        ("deploy/runtime.py", "import rclpy"),
        ("deploy/runtime.py", "from forearm.sim.model import x"),
        ("deploy/node.py", "def f():\n    import mujoco"),
        ("core/robot.py", "from forearm.sim import model"),
        ("core/robot.py", "from forearm import deploy"),
        ("core/robot.py", "from ..sim import model"),
        ("core/params.py", "import rosbags"),
        ("sim/env.py", "from forearm.policies.train import x"),
        ("policies/train.py", "import sim.env"),
        ("policies/train.py", "from sim.env import ReachEnv"),
        ("calibration/report.py", "import forearm.policies"),
    ],
)
def test_an_import_against_the_direction_is_refused(place: str, line: str) -> None:
    assert len(refused(Path(place), ast.parse(line))) == 1


@each_source
def test_a_file_is_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@each_source
def test_a_function_is_at_most_50_lines(path: Path) -> None:
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {n: k for n, k in lengths.items() if k > LONGEST_FUNCTION} == {}


def public_without_a_docstring(module: ast.Module) -> list[str]:
    """Return the public functions, classes and methods that say nothing."""
    missing = [] if ast.get_docstring(module) else ["module"]
    bodies: list[ast.Module | ast.ClassDef] = [module]
    while bodies:
        for node in bodies.pop().body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if not isinstance(node, kinds) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                missing.append(node.name)
            if isinstance(node, ast.ClassDef):
                bodies.append(node)
    return missing


@each_source
def test_everything_public_is_documented(path: Path) -> None:
    assert public_without_a_docstring(tree(path)) == []


@each_module
def test_every_name_in_all_can_be_imported(path: Path) -> None:
    """Only files with an ``__all__``, so that nothing heavy is imported in vain."""
    names = [
        target.id
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    if "__all__" not in names:
        return
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = importlib.import_module(f"forearm.{dotted}".removesuffix(".__init__"))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_the_robot_side_never_reaches_for_the_simulator() -> None:
    """Also through what it imports: nothing heavy is loaded by any of its modules."""
    names = [
        "forearm." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ROBOT_SIDE
        for path in source_files(folder)
        if not any(path.match(p) for p, more in EXTRA.items() if more >= ROS)
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name.removesuffix('.__init__'))\n"
        "heavy = {'torch', 'mujoco', 'gymnasium', 'stable_baselines3', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_launch_is_no_python_package() -> None:
    """With an ``__init__.py`` it would shadow the ``launch`` package of ROS 2."""
    assert not (ROOT / "launch" / "__init__.py").exists()


def tracked_text() -> list[Path]:
    result = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        pytest.skip("not a git checkout: there is no list of the project's files")
    paths = [ROOT / name for name in result.stdout.split("\0") if name]
    suffixes = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".cfg", ".xml", ".json"}
    return [p for p in paths if p.is_file() and p.suffix in suffixes]


def test_the_text_speaks_only_of_the_project() -> None:
    said = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked_text()
        for word in FORBIDDEN
        if word in path.read_text(encoding="utf-8")
    ]
    assert said == []
