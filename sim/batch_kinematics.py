"""Forward kinematics of a whole batch: the same matrices, arrays along simulations.

:class:`forearm.core.kinematics.Kinematics` multiplies 4x4 matrices one simulation at a
time, which is what a graph for one robot wants. Here each entry of a frame is an array
over all simulations and entries that are zero by construction cost nothing: a sixth of
the time on a UR5e. Nothing is summed across simulations, so that a result does not
depend on how many there are; a test holds both against each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forearm.core.kinematics import Kinematics, Pose
from forearm.core.robot import RobotSpec

Singles = NDArray[np.float32]

ZERO = 1e-12
"""Constants below are rounding of an angle like pi, not geometry [m or 1]."""


class BatchKinematics:
    """Tool pose and joint axes of many simulations in float32."""

    def __init__(self, robot: RobotSpec) -> None:
        """Split the constant matrices of ``robot`` into their non-zero entries."""
        kinematics = Kinematics(robot)
        self._entries = [_entries(m) for m in kinematics.joint_matrices]
        tool = np.stack([kinematics.tool_matrix, *np.zeros((2, 4, 4))])
        self._tool = _entries(tool)
        chain = robot.joints[: robot.arm_n]
        self._axes = [np.array(joint.axis, np.float32) for joint in chain]

    def __call__(self, joint_pos: Singles) -> Pose:
        """Return the tool pose and joint axes for ``joint_pos`` [rad] (nsim, n)."""
        nsim, n = len(joint_pos), len(self._axes)
        turned = np.ascontiguousarray(joint_pos.T)
        cosine, sine = np.cos(turned), np.sin(turned)
        turns = (cosine, -cosine, sine, -sine)
        position = np.empty((n, 3, nsim), np.float32)
        axis = np.empty((n, 3, nsim), np.float32)
        frame = np.zeros((4, 3, nsim), np.float32)
        frame[range(3), range(3)] = 1.0
        for i, entries in enumerate(self._entries):
            frame = _advance(frame, entries, tuple(part[i] for part in turns))
            position[i] = frame[3]
            _combine(frame, self._axes[i], axis[i])
        tool = _advance(frame, self._tool, tuple(part[0] for part in turns))
        return Pose(
            position=tool[3].T,
            rotation=tool[:3].transpose(2, 1, 0),
            joint_position=position.transpose(2, 0, 1),
            joint_axis=axis.transpose(2, 0, 1),
        )


def split(pose: Pose, count: int) -> tuple[Pose, Pose]:
    """Return the poses of the first ``count`` simulations and of the others."""
    return (
        Pose(*(value[:count] for value in vars(pose).values())),
        Pose(*(value[count:] for value in vars(pose).values())),
    )


Entry = tuple[int, tuple[np.float32, np.float32, np.float32]]
"""Row of the joint matrix, and its constant, cosine and sine part."""


def _entries(matrices: NDArray[np.float64]) -> list[list[Entry]]:
    """Return the non-zero entries of each column of a joint's (3, 4, 4) matrices."""
    small = np.where(np.abs(matrices) < ZERO, 0.0, matrices).astype(np.float32)
    return [
        [
            (row, (small[0, row, col], small[1, row, col], small[2, row, col]))
            for row in range(3)
            if small[:, row, col].any()
        ]
        for col in range(4)
    ]


def _advance(
    frame: Singles, columns: list[list[Entry]], turn: tuple[Singles, ...]
) -> Singles:
    """Return ``frame`` times a joint's matrix; columns are x, y, z and the origin.

    Args:
        frame: axes and origin, (4, 3, nsim).
        columns: the joint's entries.
        turn: cosine, minus cosine, sine, minus sine of its angle, (nsim,) each.
    """
    result, product = np.empty_like(frame), np.empty_like(frame[0])
    for column, entries in enumerate(columns):
        total = result[column]
        if not entries:
            total[:] = 0.0
        for k, (row, parts) in enumerate(entries):
            np.multiply(frame[row], _factor(parts, turn), out=product if k else total)
            if k:
                total += product
        if column == 3:
            total += frame[3]
    return result


def _factor(
    parts: tuple[np.float32, np.float32, np.float32], turn: tuple[Singles, ...]
) -> Singles | np.float32:
    """Return constant + c cosine + s sine; ones, the usual case, cost no product."""
    constant, c, s = parts
    factor: Singles | np.float32 = constant
    for scale, plus, minus in ((c, turn[0], turn[1]), (s, turn[2], turn[3])):
        if scale:
            term = plus if scale == 1 else minus if scale == -1 else scale * plus
            factor = factor + term if isinstance(factor, np.ndarray) or factor else term
    return factor


def _combine(frame: Singles, axis: NDArray[np.float32], out: Singles) -> None:
    """Write the direction ``axis`` of the frame's own coordinates into ``out``."""
    used = np.flatnonzero(axis)
    np.multiply(frame[used[0]], axis[used[0]], out=out)
    for k in used[1:]:
        out += frame[k] * axis[k]
