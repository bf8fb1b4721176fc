"""A user's own robot, on an MJCF that gymnasium ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
import pytest
import yaml

from forearm.cli.main import main
from forearm.core.errors import FileError, ForearmError
from forearm.core.robots import ROBOTS
from forearm.sim.model import build_model, check_model
from forearm.sim.user_robot import load_robot

PUSHER = Path(gymnasium.__file__).parent / "envs/mujoco/assets/pusher_v5.xml"
RANGES = {
    "r_shoulder_pan_joint": (-2.2854, 1.7146),
    "r_shoulder_lift_joint": (-0.5236, 1.3963),
    "r_upper_arm_roll_joint": (-1.5, 1.7),
    "r_elbow_flex_joint": (-2.3213, 0.0),
    "r_forearm_roll_joint": (-1.5, 1.5),
    "r_wrist_flex_joint": (-1.094, 0.0),
    "r_wrist_roll_joint": (-1.5, 1.5),
}
REST = {"velocity": 2.0, "acceleration": 10.0, "jerk": 100.0, "effort": 50.0}
SERVO = {"kp": 200.0, "kv": 20.0, "armature": 0.04}


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    # Set and removed again, so that what a test registers is gone after it.
    monkeypatch.setitem(ROBOTS, "pusher", ROBOTS["ur5e"])
    del ROBOTS["pusher"]
    joints = [
        {"name": n, "lower": a, "upper": b, "home": (a + b) / 2, **REST, **SERVO}
        for n, (a, b) in RANGES.items()
    ]
    tool = {"name": "tip", "xyz": [0.1, 0.0, 0.02], "rpy": [0.3, -0.2, 0.5]}
    return {"name": "pusher", "joints": joints, "tool": tool, "payload_limit": 0.5}


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_foreign_arm_holds_its_home_and_nothing_else_moves(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    robot = load_robot(PUSHER, write(tmp_path, content))
    model = build_model(robot)
    check_model(model, robot)
    assert (model.nq, model.nu, ROBOTS["pusher"]) == (7, 7, robot)
    data: Any = mujoco.MjData(model)
    data.qpos[:] = data.ctrl[:] = robot.home
    mujoco.mj_step(model, data, 500)
    # Weightless links: the servo has nothing to carry but the payload of 1e-6 kg.
    assert np.abs(data.qpos - robot.home).max() < 1e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "ur5e"}, "taken"),
        ({"payload_limit": "heavy"}, "payload_limit"),
        ({"ros": {"topic": "x"}}, "valid: joint_states"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_mistake_in_the_spec_is_one_sentence(
    tmp_path: Path, content: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ForearmError, match=said):
        load_robot(PUSHER, write(tmp_path, content | change))


def test_a_joint_that_the_file_lacks_names_those_it_has(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    content["joints"][2]["name"] = "elbow"
    with pytest.raises(FileError, match=r"no hinge 'elbow'; hinges: r_shoulder_pan"):
        load_robot(PUSHER, write(tmp_path, content))


def test_the_command_shows_the_robot_and_refuses_half_a_pair(
    tmp_path: Path, content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    spec = str(write(tmp_path, content))
    assert main(["robots", "--model", str(PUSHER), "--spec", spec]) == 0
    assert "r_wrist_roll_joint" in capsys.readouterr().out
    assert main(["robots", "--spec", spec]) == 2
    assert "go together" in capsys.readouterr().err


def test_limits_hold_in_a_file_in_degrees(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    path = tmp_path / "degrees.xml"
    text = PUSHER.read_text().replace('angle="radian"', 'angle="degree"')
    path.write_text(text)
    model = build_model(robot := load_robot(path, write(tmp_path, content)))
    np.testing.assert_allclose(model.jnt_range[:, 0], robot.lower, atol=1e-12)
