"""RunLog checks what enters and maps joints by name."""

from __future__ import annotations

import numpy as np
import pytest

from forearm.core.errors import ForearmError, MismatchError
from forearm.core.log import RunLog, make_log, named_as

JOINTS = ("a", "b", "c")


def sample(**changes: object) -> RunLog:
    rows = np.arange(15.0).reshape(5, 3)
    arguments = {
        "joints": JOINTS,
        "time": np.arange(5) * 0.1,
        "position": rows,
        "velocity": rows + 100,
        "command_time": np.array([0.05, 0.15]),
        "command": rows[:2] + 0.5,
        "source": "a test",
    }
    return make_log(**{**arguments, **changes})


def test_joints_are_mapped_by_name() -> None:
    chosen = sample().select(("c", "a"))
    assert chosen.joints == ("c", "a")
    assert chosen.position[1].tolist() == [5.0, 3.0]
    assert chosen.velocity[1].tolist() == [105.0, 103.0]
    assert chosen.command[1].tolist() == [5.5, 3.5]
    assert chosen.effort.shape == (0, 2)
    assert chosen.meta == {"source": "a test"}


def test_a_missing_joint_is_refused_with_both_lists() -> None:
    with pytest.raises(MismatchError, match=r"'a', 'b', 'c'.*'a', 'elbow'"):
        sample().select(("a", "elbow"))


def test_a_crop_keeps_both_streams_inside_the_window() -> None:
    part = sample().crop(0.1, 0.3)
    assert part.time.tolist() == pytest.approx([0.1, 0.2])
    assert part.command_time.tolist() == [0.15]
    assert part.velocity.shape == (2, 3)
    assert part.effort.shape == (0, 3)


def test_an_empty_log_has_no_duration() -> None:
    empty = make_log(JOINTS, np.zeros(0), np.zeros((0, 3)))
    assert empty.duration == 0.0
    assert sample().duration == pytest.approx(0.4)
    assert empty.crop(0, 1).position.shape == (0, 3)


@pytest.mark.parametrize(
    "bad",
    [
        {"position": np.zeros((5, 2))},
        {"position": np.zeros((4, 3))},
        {"velocity": np.zeros((4, 3))},
        {"command": np.zeros((3, 3))},
        {"effort": np.zeros((5, 4))},
    ],
)
def test_a_wrong_shape_is_refused(bad: dict[str, np.ndarray]) -> None:
    with pytest.raises(MismatchError, match="shape"):
        sample(**bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"time": np.array([0.0, 0.1, 0.1, 0.2, 0.3])},
        {"time": np.array([0.0, 0.2, 0.1, 0.3, 0.4])},
        {"time": np.array([0.0, 0.1, np.nan, 0.3, 0.4])},
        {"command_time": np.array([0.15, 0.05])},
    ],
)
def test_stamps_that_do_not_increase_are_refused(bad: dict[str, np.ndarray]) -> None:
    with pytest.raises(ForearmError, match="increase"):
        sample(**bad)


def test_a_prefix_of_the_driver_is_exchanged_where_only_one_fits() -> None:
    wanted = ("panda_joint1", "panda_joint2")
    have = ("fer_joint2", "fer_finger_joint1", "fer_joint1")
    assert named_as(have, wanted) == ("fer_joint1", "fer_joint2")
    arm = ("shoulder_pan_joint", "elbow_joint")
    left = tuple(f"left_{name}" for name in arm)
    assert named_as(left, arm) == left
    # Of two arms nobody knows which one is meant.
    assert named_as(left + tuple(f"right_{name}" for name in arm), arm) is None
    assert named_as(arm, ("other_joint", "elbow_joint")) is None
