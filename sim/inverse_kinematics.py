"""Joint positions that bring the tool to a point, pointing straight down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from forearm.core.errors import LimitError
from forearm.core.kinematics import Kinematics
from forearm.core.robot import RobotSpec

Floats = NDArray[np.float64]

DOWN = np.array([0.0, 0.0, -1.0])
"""Direction of the tool's z axis in the base frame."""

POSITION_TOLERANCE = 1e-3
"""Largest accepted distance from the point [m]."""

ANGLE_TOLERANCE = 0.01
"""Largest accepted tilt from straight down [rad]."""

_POSITION_WEIGHT = 10.0
"""A decimetre weighs as much as a radian."""

_HOME_WEIGHT = 1e-3
"""Of all solutions the one near home; too weak to move the tool by a micrometre."""


def point_down(robot: RobotSpec, position: Floats, start: Floats) -> Floats:
    """Return joint positions [rad] (n,): tool at ``position`` [m], pointing down.

    The turn about the vertical is free, so that arms with five joints can do it.

    Args:
        robot: the arm.
        position: point in the base frame, shape (3,).
        start: joint positions to start from, within the limits, shape (n,).

    Raises:
        LimitError: the arm cannot do it within its joint limits.
    """
    kinematics = Kinematics(robot)

    def residual(joint_pos: Floats) -> Floats:
        pose = kinematics(joint_pos)
        return np.concatenate(
            [
                _POSITION_WEIGHT * (pose.position - position),
                pose.rotation[:, 2] - DOWN,
                _HOME_WEIGHT * (joint_pos - robot.home),
            ]
        )

    bounds = (robot.lower, robot.upper)
    joint_pos = np.asarray(least_squares(residual, start, bounds=bounds).x)
    pose = kinematics(joint_pos)
    distance = float(np.linalg.norm(pose.position - position))
    tilt = float(np.arccos(np.clip(pose.rotation[:, 2] @ DOWN, -1.0, 1.0)))
    if distance > POSITION_TOLERANCE or tilt > ANGLE_TOLERANCE:
        raise LimitError(
            f"{robot.name} cannot bring its tool to {position.round(3).tolist()} m "
            f"pointing down within its joint limits (misses by {distance:.3f} m and "
            f"{tilt:.2f} rad)"
        )
    return joint_pos
