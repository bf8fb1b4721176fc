"""What the logs cannot tell, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.inertia import COORDINATES
from forearm.core.log import EffortUnit
from forearm.core.robot import RobotSpec

from .chain import Chain
from .motion import Flags, Motion

RANK = 1e-6
"""Singular values below this part of the largest are null."""

WORDS = {
    "mass": ("link_log_mass",),
    "centre of mass": ("link_shift_x", "link_shift_y", "link_shift_z"),
    "inertia": COORDINATES[:3] + COORDINATES[4:7],
}
"""What the coordinates of a link are called."""


def rank(motions: Sequence[Motion]) -> tuple[int, int]:
    """Return the rank of the inertials' regressor and its columns."""
    count = motions[0].regressor.shape[2] * 10
    gram = np.zeros((count, count))
    for motion in motions:
        for j in range(motion.regressor.shape[1]):
            rows = motion.regressor[motion.moving[:, j], j].reshape(-1, count)
            gram += rows.T @ rows
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-30))
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram / np.outer(scale, scale)), 0))
    seen = np.diag(gram) > 1e-12 * np.diag(gram).max()
    return int((values > RANK * values[-1]).sum() - (~seen).sum()), count


def unknown_directions(
    robot: RobotSpec,
    chain: Chain,
    motions: Sequence[Motion],
    known: Flags,
    unit: EffortUnit,
) -> list[str]:
    """Return what stays at its prior, in sentences.

    Args:
        robot: the arm.
        chain: the arm as the model has it.
        motions: training logs.
        known: which unknowns the logs have narrowed down.
        unit: unit of the effort.
    """
    out = []
    if unit == "A":
        out.append(
            "drive gain and link mass cannot be told apart from these logs: all gains, "
            "frictions and masses could be larger by one factor; record one with a "
            "known load"
        )
    got, columns = rank(motions)
    out.append(
        f"of {columns} link inertials {got} combinations act on the joints at all in "
        "these logs; the rest keeps the data sheet's values"
    )
    flags = known[: 10 * chain.n].reshape(chain.n, 10)
    for joint, row in zip(robot.joint_names, flags, strict=True):
        missing = [
            word
            for word, names in WORDS.items()
            if not any(row[COORDINATES.index(name)] for name in names)
        ]
        if missing:
            out.append(
                f"{' and '.join(missing)} of the link behind {joint} stay at the data "
                "sheet's values (guess)"
            )
    still = ~np.any([m.moving.mean(axis=0) > 0.01 for m in motions], axis=0)
    for joint in np.array(robot.joint_names)[still]:
        out.append(f"{joint} does not move in these logs, so nothing of it is known")
    return out
