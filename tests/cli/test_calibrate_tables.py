"""``forearm calibrate`` on a table of currents, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import mujoco
import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.params import load_params
from forearm.core.robots import get_robot
from forearm.sim.randomization_file import load_randomization

ROBOT = get_robot("ur10e")
MAP = {
    "joints": list(ROBOT.joint_names),
    "time": {"columns": [1], "unit": "s"},
    "position": {"columns": "2-7", "unit": "rad"},
    "velocity": {"columns": "8-13", "unit": "rad/s"},
    "effort": {"columns": "14-19", "unit": "A"},
}


@pytest.fixture
def table(tmp_path: Path) -> list[str]:
    """A swing of every joint with a made-up current, and the arguments to read it."""
    time = np.arange(1200) * 0.011
    angle = time[:, None] * np.array([1.0, 1.1, 1.3, 1.7, 1.9, 2.3])
    qpos, qvel = ROBOT.home + 0.4 * np.sin(angle), 0.4 * np.cos(angle)
    current = 2 * np.sign(qvel) + qvel + np.sin(qpos)
    rows = np.hstack([time[:, None], qpos, qvel, current])
    np.savetxt(tmp_path / "log.csv", rows, delimiter=",")
    (tmp_path / "map.json").write_text(json.dumps(MAP))
    columns = ["--columns", str(tmp_path / "map.json"), "--robot", "ur10e"]
    return ["calibrate", str(tmp_path / "log.csv"), *columns]


def test_a_table_becomes_params_mjcf_report_and_json(
    table: list[str], tmp_path: Path
) -> None:
    names = {
        "out": "params.yaml",
        "mjcf": "arm.xml",
        "report": "r.html",
        "json": "r.js",
        "randomization": "f.yaml",
    }
    for flag, name in names.items():
        table += [f"--{flag}", str(tmp_path / name)]
    assert main([*table, "--rows", "1:1100"]) == 0
    values = load_params(tmp_path / "params.yaml", ROBOT).values(ROBOT)
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "arm.xml"))
    assert (model.dof_frictionloss > 0).all()
    assert (values["coulomb"] > 0).all()
    result = json.loads((tmp_path / "r.js").read_text())
    assert result["held_out"]["after"] < result["held_out"]["before"]
    assert result["unidentifiable"]
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert result["envelope"]["inside"]
    drawn = load_randomization(tmp_path / "f.yaml")
    assert drawn.robot == "ur10e"
    assert drawn.posterior is not None
    assert "coulomb[0]" in drawn.posterior.names
    assert "kp" in drawn.terms


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rows", "9:3"], "FIRST:LAST"),
        (["--known-payload", "2.0"], "belong together"),
        (["--columns", "nothing"], "unknown column map"),
        (["--rows", "5000:6000"], "has 1200 rows"),
        (["--rows", "1:30"], "too few"),
        (["--effort-unit", "Nm", "--holdout-logs", "none.csv"], "does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(
    table: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    said: str,
) -> None:
    out = tmp_path / "params.yaml"
    assert main([*table, "--out", str(out), *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not out.exists()
