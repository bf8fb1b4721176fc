"""RobotSpec refuses what contradicts itself and never repairs it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.robots import ROBOTS, get_robot

UR5E = get_robot("ur5e")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"lower": 1.0, "upper": 1.0}, "below upper"),
        ({"lower": 2.0, "upper": -2.0}, "below upper"),
        ({"home": 7.0}, "between lower and upper"),
        ({"velocity": 0.0}, "velocity"),
        ({"acceleration": -1.0}, "acceleration"),
        ({"jerk": math.nan}, "jerk"),
        ({"effort": math.inf}, "finite"),
        ({"kv": -0.1}, "kv"),
        ({"coulomb": math.inf}, "finite"),
        ({"xyz": (0.0, math.nan, 0.0)}, "finite"),
        ({"axis": (0.0, 0.0, 2.0)}, "unit vector"),
    ],
)
def test_a_joint_with_contradicting_numbers_is_refused(change, word: str) -> None:
    with pytest.raises(LimitError, match=word):
        replace(UR5E.joints[0], **change)


def test_a_joint_named_twice_is_refused() -> None:
    with pytest.raises(LimitError, match="unique"):
        replace(UR5E, joints=(UR5E.joints[0], UR5E.joints[0]))


def test_an_arm_without_joints_is_refused() -> None:
    with pytest.raises(LimitError, match="unique"):
        replace(UR5E, joints=())


def test_an_unknown_robot_is_refused_with_the_valid_names() -> None:
    with pytest.raises(UnknownNameError, match="ur5e"):
        get_robot("ur5")


def test_an_unknown_joint_number_is_refused_with_the_valid_names() -> None:
    with pytest.raises(UnknownNameError, match="velocity"):
        UR5E.vector("speed")


@pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
def test_vectors_follow_the_order_of_the_joints(robot) -> None:
    assert robot.vector("kp").tolist() == [j.kp for j in robot.joints]
    assert robot.joint_names == tuple(j.name for j in robot.joints)
    assert (robot.lower < robot.home).all()
    assert (robot.home < robot.upper).all()


@pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
def test_every_robot_names_its_sources(robot) -> None:
    assert {"kinematics", "limits"} <= set(robot.sources)
