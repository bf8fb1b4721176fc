"""Joint positions that bring the tool to a point, pointing straight down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from forearm.core.errors import LimitError
from forearm.core.kinematics import Kinematics, Pose
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


DAMPING = 1e-4
"""Damping of the least squares step: what keeps it sane near a singularity."""

ITERATIONS = 25
"""Steps of the batched solver; it converges in about a dozen."""


def down_jacobian(pose: Pose) -> Floats:
    """Return the Jacobian (k, 6, n) of tool position and tool z axis.

    Columns ``z_i x (p - p_i)`` and ``z_i x z`` (Siciliano et al., Robotics, 2009, eq.
    3.30). The turn about the tool's own axis does not appear: it is free.
    """
    lever = pose.position[:, None, :] - pose.joint_position
    axis = np.broadcast_to(pose.rotation[:, None, :, 2], lever.shape)
    rows = [np.cross(pose.joint_axis, lever), np.cross(pose.joint_axis, axis)]
    return np.concatenate(rows, axis=2).transpose(0, 2, 1)


def damped_step(jacobian: Floats, error: Floats, damping: float = DAMPING) -> Floats:
    """Return J^T (J J^T + damping)^-1 error, (k, n): the damped least squares step."""
    square = jacobian @ jacobian.transpose(0, 2, 1)
    square = square + damping * np.eye(square.shape[1])
    solved = np.linalg.solve(square, error[..., None])
    return np.asarray((jacobian.transpose(0, 2, 1) @ solved)[..., 0])


def solve_down(
    robot: RobotSpec, position: Floats, start: Floats
) -> tuple[Floats, Floats]:
    """Bring many tools to points, pointing straight down, from where they are.

    Args:
        robot: the arm.
        position: points in the base frame [m], (k, 3).
        start: joint positions to start from [rad], (k, n).

    Returns:
        Joint positions [rad] (k, n) and the remaining error (k,): the largest of the
        distances [m] and of the tool axis from straight down [1].
    """
    kinematics, n = Kinematics(robot), robot.arm_n
    joint_pos = np.array(start, np.float64)
    for _ in range(ITERATIONS):
        pose = kinematics(joint_pos)
        error = np.concatenate(
            [position - pose.position, DOWN - pose.rotation[..., 2]], axis=1
        )
        step = damped_step(down_jacobian(pose), error)
        joint_pos[:, :n] += np.clip(step, -0.2, 0.2)
    pose = kinematics(joint_pos)
    error = np.concatenate(
        [position - pose.position, DOWN - pose.rotation[..., 2]], axis=1
    )
    return joint_pos, np.abs(error).max(axis=1)
