"""The gate: a joint whose fit loses to nominal on held-out windows keeps nominal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats

from .horizon import rms_errors
from .rollout import Rollout
from .unknowns import Unknowns

Flags = NDArray[np.bool_]

TIE = 1.02
"""Errors closer than this are the same: an arm that is nominal stays measured, instead
of becoming a guess because noise let nominal win by a hair."""


def gate(judge: Rollout, unknowns: Unknowns, vector: Floats) -> tuple[Floats, Flags]:
    """Return the vector with every joint that loses to nominal put back, and which."""
    n = unknowns.robot.n
    kept = np.zeros(n, np.bool_)
    for _ in range(n + 1):
        sets = [unknowns.values(v) for v in (unknowns.center, vector)]
        errors = rms_errors(judge.windows, judge.simulate(sets))[:, 0]
        worse = (errors[1] > TIE * errors[0]) & ~kept
        if not worse.any():
            break
        kept |= worse
        vector = np.where(of_joints(unknowns, kept), unknowns.center, vector)
    # A delay alone is worth nothing: the shared number was fitted with the joints.
    if kept.all() or np.mean(errors[1] ** 2) > TIE**2 * np.mean(errors[0] ** 2):
        return unknowns.center, np.ones(n, np.bool_)
    return vector, kept


def of_joints(unknowns: Unknowns, joints: Flags) -> Flags:
    """Return which unknowns belong to one of ``joints`` alone."""
    flags = [unknowns.of_joint(int(j)) for j in np.flatnonzero(joints)]
    return np.any(flags, axis=0) if flags else np.zeros(unknowns.size, np.bool_)
