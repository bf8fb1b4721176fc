"""GoalBox: where the targets of a task may lie, held against what the arm can reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.errors import LimitError
from forearm.sim.workspace import Pool

GoalBox = tuple[float, float, float, float, float, float]
"""XMIN XMAX YMIN YMAX ZMIN ZMAX of the tool's position in the base frame [m]."""

LEAST = 32
"""Fewest reachable poses in a box: a policy trained on less knows them by heart."""


def as_goal_box(bounds: Sequence[float]) -> GoalBox:
    """Return six numbers as a box.

    Raises:
        LimitError: they are not six finite numbers, each minimum below its maximum.
    """
    values = np.asarray(bounds, float)
    if (
        values.shape != (6,)
        or not np.isfinite(values).all()
        or not (values[::2] < values[1::2]).all()
    ):
        raise LimitError(
            "a goal box takes XMIN XMAX YMIN YMAX ZMIN ZMAX in m, each minimum below "
            f"its maximum; got {' '.join(map(str, bounds))}"
        )
    a, b, c, d, e, f = values.tolist()
    return a, b, c, d, e, f


def inside(pool: Pool, box: GoalBox, robot: str) -> Pool:
    """Return the poses of ``pool`` whose position lies in ``box``.

    Raises:
        LimitError: fewer than :data:`LEAST` do; the message says which are valid.
    """
    bounds, position = np.array(box), pool.position
    low, high = bounds[::2], bounds[1::2]
    chosen = ((position >= low) & (position <= high)).all(axis=1)
    if (found := int(chosen.sum())) < LEAST:
        beyond = np.linalg.norm(np.clip(position, low, high) - position, axis=1)
        near = position[int(beyond.argmin())]
        valid = ", ".join(
            f"{axis} {position[:, i].min():.2f} to {position[:, i].max():.2f}"
            for i, axis in enumerate("xyz")
        )
        raise LimitError(
            f"the goal box {box} holds {found} of the {len(position)} tool poses that "
            f"{robot} can be asked for, at least {LEAST} are needed; valid positions "
            f"lie within {valid} m, the nearest to the box at "
            f"{near[0]:.2f} {near[1]:.2f} {near[2]:.2f}"
        )
    return Pool(pool.joint_pos[chosen], position[chosen], pool.quat_wxyz[chosen])
