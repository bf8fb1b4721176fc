"""Where targets may lie: kept to, carried along, refused where an arm cannot reach."""

from __future__ import annotations

import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.errors import LimitError
from forearm.core.robots import get_robot
from forearm.sim.loop import ArmLoop
from forearm.sim.tasks import get_task
from forearm.sim.tasks.reach import reach_pool

UR5E = get_robot("ur5e")
BOX = (0.3, 0.7, -0.3, 0.3, 0.2, 0.5)


def test_every_target_lies_in_the_box_and_starts_are_as_free_as_before() -> None:
    task = get_task("reach", BOX)
    loop = ArmLoop(UR5E, task, 64)
    loop.seed(list(range(64)))
    loop.reset()
    target = np.asarray(loop.task.sensors()["target_position"])
    assert (target >= np.float32(BOX[::2])).all()
    assert (target <= np.float32(BOX[1::2])).all()
    start = reach_pool(UR5E).position
    assert (np.ptp(start, axis=0) > np.ptp(loop.task.goals.position, axis=0)).all()
    info = loop.task.info()
    assert info["goal_box"] == list(BOX)
    assert info["target_high"][0] <= BOX[1]
    assert get_task("reach", info["goal_box"]) is task
    assert "goal_box" not in get_task("reach")(UR5E, 1).info()


@pytest.mark.parametrize(
    ("name", "box", "said"),
    [
        ("reach", (2.0, 3.0, 2.0, 3.0, 2.0, 3.0), r"holds 0 of .* valid positions lie"),
        ("reach", (0.3, 0.301, 0.0, 0.001, 0.3, 0.301), "at least 32 are needed"),
        ("reach", (0.7, 0.3, -0.3, 0.3, 0.2, 0.5), "each minimum below its maximum"),
        ("reach", (0.3, 0.7, -0.3, 0.3, 0.2, np.nan), "each minimum below its maximum"),
        ("push", BOX, "task 'push' takes no goal box; valid: reach"),
    ],
)
def test_a_box_no_policy_could_learn_from_is_refused_at_construction(
    name: str, box: tuple[float, ...], said: str
) -> None:
    with pytest.raises(LimitError, match=said):
        get_task(name, box)(UR5E, 1)


def test_the_command_line_refuses_it_before_anything_is_written(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    flags = ["--goal-box", *["2", "3", "2", "3", "2", "3"], "--out", str(out)]
    assert main(["train", "reach", *flags]) == 2
    said = capsys.readouterr().err
    assert "valid positions lie within x" in said
    assert said.count("\n") == 1
    assert not out.exists()
