"""What calibration is measured against: the textbook's plain least squares."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from forearm.core.log import Floats

from .chain import Chain
from .motion import Motion
from .score import relative

RIDGE = 1e-3
"""Tikhonov term on columns of norm one: less overfits, more does not matter."""


def plain_least_squares(
    motions: Sequence[Motion], chain: Chain
) -> tuple[Callable[[Motion], Floats], float]:
    """Fit each joint alone: links, armature, Coulomb, viscous and offset.

    Returns:
        A function from a log to its error per joint [%], and the time it took [s].
    """
    begin = time.monotonic()
    found = []
    for j in range(chain.n):
        table = np.concatenate([_table(m, j)[m.moving[:, j]] for m in motions])
        effort = np.concatenate([m.effort[m.moving[:, j], j] for m in motions])
        scale = np.linalg.norm(table, axis=0) + 1e-12
        scaled = table / scale
        normal = scaled.T @ scaled + RIDGE * np.eye(table.shape[1])
        found.append(np.linalg.solve(normal, scaled.T @ effort) / scale)
    seconds = time.monotonic() - begin

    def error(motion: Motion) -> Floats:
        guess = [_table(motion, j) @ x for j, x in enumerate(found)]
        return relative([motion.effort - np.stack(guess, axis=-1)], [motion])

    return error, seconds


def _table(motion: Motion, joint: int) -> Floats:
    speed = motion.qvel[:, joint]
    terms = [motion.qacc[:, joint], np.sign(speed), speed, np.ones_like(speed)]
    links = motion.regressor[:, joint].reshape(len(speed), -1)
    return np.hstack([links, np.stack(terms, axis=-1)])
