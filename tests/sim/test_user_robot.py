"""A user's own robot, on an MJCF that gymnasium ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
import yaml

from forearm.cli.main import main
from forearm.core.errors import FileError, ForearmError, MismatchError
from forearm.core.robots import OWN
from forearm.sim.model import build_model, check_model
from forearm.sim.robot_files import keep_files, load_kept
from forearm.sim.user_robot import load_robot

Pusher = tuple[Path, dict[str, Any]]


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_foreign_arm_holds_its_home_and_nothing_else_moves(
    tmp_path: Path, pusher: Pusher
) -> None:
    path, content = pusher
    robot = load_robot(path, write(tmp_path, content))
    model = build_model(robot)
    check_model(model, robot)
    assert (model.nq, model.nu, OWN["pusher"]) == (7, 7, robot)
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
    tmp_path: Path, pusher: Pusher, change: dict[str, Any], said: str
) -> None:
    path, content = pusher
    with pytest.raises(ForearmError, match=said):
        load_robot(path, write(tmp_path, content | change))


def test_a_joint_that_the_file_lacks_names_those_it_has(
    tmp_path: Path, pusher: Pusher
) -> None:
    path, content = pusher
    content["joints"][2]["name"] = "elbow"
    with pytest.raises(FileError, match=r"no hinge 'elbow'; hinges: r_shoulder_pan"):
        load_robot(path, write(tmp_path, content))


def test_the_command_shows_the_robot_and_refuses_half_a_pair(
    pusher_flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["robots", *pusher_flags]) == 0
    assert "r_wrist_roll_joint" in capsys.readouterr().out
    assert main(["robots", *pusher_flags[2:]]) == 2
    assert "go together" in capsys.readouterr().err


def test_limits_hold_in_a_file_in_degrees(tmp_path: Path, pusher: Pusher) -> None:
    (original, content), path = pusher, tmp_path / "degrees.xml"
    text = original.read_text().replace('angle="radian"', 'angle="degree"')
    path.write_text(text)
    model = build_model(robot := load_robot(path, write(tmp_path, content)))
    np.testing.assert_allclose(model.jnt_range[:, 0], robot.lower, atol=1e-12)


def test_a_copy_has_the_hash_of_the_original_and_an_altered_file_another(
    tmp_path: Path, pusher: Pusher
) -> None:
    path, content = pusher
    shared = '<mujoco><option timestep="0.002"/></mujoco>'
    (tmp_path / "shared.xml").write_text(shared)
    model = tmp_path / "arm" / "arm.xml"
    model.parent.mkdir()
    inside = '<include file="../shared.xml"/></mujoco>'
    model.write_text(path.read_text().replace("</mujoco>", inside))
    robot = load_robot(model, write(tmp_path, content))
    keep_files(robot, tmp_path / "kept")
    copy = load_kept(tmp_path / "kept")
    assert copy.sources["sha256"] == robot.sources["sha256"]
    assert Path(copy.asset).is_relative_to(tmp_path / "kept")
    included = tmp_path / "kept" / "model" / "shared.xml"
    included.write_text(shared.replace("0.002", "0.003"))
    with pytest.raises(MismatchError, match="robot 'pusher': got SHA-256"):
        load_kept(tmp_path / "kept")
    OWN.clear()
    with pytest.raises(FileError, match="were altered"):
        load_kept(tmp_path / "kept")
