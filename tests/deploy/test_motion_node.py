"""A planned motion is played over real DDS on a plant, recorded, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.excite import Planner
from forearm.cli.main import main
from forearm.core.log import Floats, RunLog
from forearm.core.log_io import read_log
from forearm.core.motion import Motion, save_motion
from forearm.core.robots import get_robot
from forearm.deploy.supervisor import Task, forearm, supervised
from forearm.sim.plant import Plant

ROBOT = get_robot("ur5e")

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros_domain")]


@pytest.fixture(scope="module")
def motion() -> Motion:
    planner = Planner(ROBOT, seconds=6.0)
    return planner.random(np.random.default_rng(0)).as_motion()


def test_a_motion_is_played_and_its_log_holds_every_command(
    motion: Motion,
    tmp_path: Path,
) -> None:
    save_motion(tmp_path / "t.yaml", motion)
    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    arguments = ["--play", str(tmp_path / "t.yaml"), "--record", str(tmp_path / "log")]
    player = Task(
        name="player", command=forearm("excite", "--robot", "ur5e", *arguments)
    )
    with supervised([plant, player], tmp_path / "out") as running:
        assert running["player"].wait(60.0)
        words = running["player"].output()
        assert running["player"].status() == 0, words
    log = read_log(tmp_path / "log", ROBOT)
    assert log.duration > motion.time[-1]
    path = motion.array("position")
    start = log.command_time[0]
    at = np.stack(
        [np.interp(log.command_time - start, motion.time, c) for c in path.T], axis=1
    )
    # A command is that of the middle of its millisecond, at 1.9 rad/s at most.
    assert np.abs(log.command - at).max() < 0.002
    moved = np.stack([np.interp(log.time - start, motion.time, c) for c in path.T], 1)
    # The servo follows 0.1 s behind at 1.9 rad/s.
    assert np.abs(log.position - moved).max() < 0.25
    assert np.ptp(log.position, axis=0).max() > 0.2
    assert "played 6.0 s" in words
    # The nominal simulator under the log's commands at their times. How much later the
    # recorder's transport stamps the motion than the plant's is 0.3 ms, more where both
    # are kept waiting; the rest is the same to 0.4 mrad, also at the end.
    position, velocity = simulated(log)
    away = log.position - position
    lead = float((away * velocity).sum() / (velocity**2).sum())
    assert abs(lead) < 5e-3
    assert np.abs(away - lead * velocity).max() < 2e-3


def simulated(log: RunLog) -> tuple[Floats, Floats]:
    """Return the nominal arm's positions and velocities under a log's commands."""
    plant = Plant(ROBOT)
    found, speed, row = [], [], 0
    plant.reset(log.position[0], time=float(log.time[0]))
    for when in log.time:
        while plant.time < when - 0.5e-3:
            while row < len(log.command) and log.command_time[row] <= plant.time:
                plant.command(log.command[row])
                row += 1
            plant.advance(1e-3)
        speed.append(plant.joint_vel)
        found.append(plant.joint_pos + (when - plant.time) * speed[-1])
    return np.array(found), np.array(speed)


def test_an_arm_away_from_the_start_is_not_moved(
    motion: Motion,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moved = np.array(motion.position) + np.array([0, 0, 0.3, 0, 0, 0])
    shifted = motion.model_copy(update={"position": moved.tolist()})
    save_motion(tmp_path / "t.yaml", shifted)
    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    arguments = ["excite", "--robot", "ur5e", "--play", str(tmp_path / "t.yaml")]
    with supervised([plant], tmp_path / "out"):
        assert main([*arguments, "--record", str(tmp_path / "log")]) == 2
    assert "elbow_joint is 0.300 rad from the start" in capsys.readouterr().err
    assert not (tmp_path / "log").exists()
