import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from forearm.core.files import read_model
from forearm.deploy.bringup import BringupSpec

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "launch"


def colcon(*arguments, cwd):
    """Run colcon, also where the environment is not activated."""
    scripts = str(Path(sys.executable).parent)
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("colcon", path=path)
    if program is None:
        pytest.skip("colcon is not installed: pip install colcon-common-extensions")
    result = subprocess.run(
        [program, "--log-base", "log", *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "COLCON_HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_colcon_builds_and_installs_the_launch_files(tmp_path):
    source = tmp_path / "src" / "forearm_bringup"
    shutil.copytree(LAUNCH, source)
    colcon("build", "--base-paths", "src", cwd=tmp_path)
    prefix = tmp_path / "install" / "forearm_bringup"
    index = prefix / "share" / "ament_index" / "resource_index" / "packages"
    assert (index / "forearm_bringup").is_file()
    share = prefix / "share" / "forearm_bringup"
    for file in ("package.xml", "config/two_arms.yaml"):
        assert (share / file).read_bytes() == (LAUNCH / file).read_bytes()
    installed = {f.name for f in (share / "launch").iterdir()}
    assert installed == {"deploy.launch.py", "rehearsal.launch.py"}


def test_the_repository_holds_one_ament_package(tmp_path):
    listed = colcon("list", "--base-paths", str(ROOT), "--names-only", cwd=tmp_path)
    assert listed.split() == ["forearm_bringup"]


def test_the_package_says_the_version_of_forearm():
    import forearm

    version = ET.parse(LAUNCH / "package.xml").getroot().findtext("version")
    assert version == forearm.__version__
    assert f'version="{version}"' in (LAUNCH / "setup.py").read_text()


def test_the_bringup_file_is_valid():
    spec = read_model(LAUNCH / "config" / "two_arms.yaml", BringupSpec)
    assert [arm.namespace for arm in spec.arms] == ["left", "right"]
