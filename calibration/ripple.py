"""Find the ripple a gear puts on the effort: a sine of the joint's own position.

A harmonic drive's teeth mesh twice per motor turn, so the effort swings with twice the
gear ratio per joint turn (Tuttle, Seering 1996, IEEE T-RA 12).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import Floats

from .effort_model import Model
from .motion import Motion

RATES = np.arange(20.0, 450.0, 0.5)
"""Rates looked at [1/rad]: twice the gear ratios from 10 to 225."""

NEAR = 5.0
"""Rates closer than this are of the same gear: a joint that sweeps 1 rad resolves no
less [1/rad]."""

CHANCE = 1e-3
"""Probability that noise alone shows as a ripple, over all rates (Bonferroni)."""


def ripple_rates(model: Model, motions: Sequence[Motion]) -> tuple[Floats, Floats]:
    """Return each joint's own rate and the arm's common one [1/rad], (n,) each.

    Zero where nothing shows. Joints near the common rate likely have the same gear.
    """
    errors = [m.effort - model.predict(m) for m in motions]
    power = np.array([_power(errors, motions, j) for j in range(model.setup.n)])
    own, common = RATES[power.argmax(axis=1)], RATES[int(power.sum(axis=0).argmax())]
    seen = power.max(axis=1) > np.log(len(RATES) / CHANCE)
    near = seen & (np.abs(own - common) < NEAR)
    return np.where(seen, own, 0.0), np.where(near, common, 0.0)


def _power(errors: list[Floats], motions: Sequence[Motion], joint: int) -> Floats:
    """Return the residual's power over the rates; of white noise its mean is one."""
    rows = [m.moving[:, joint] for m in motions]
    parts = list(zip(errors, motions, rows, strict=True))
    wrong = np.concatenate([e[r, joint] for e, _, r in parts])
    if len(wrong) < len(RATES) / 2:
        return np.zeros(len(RATES))
    qpos = np.concatenate([m.qpos[r, joint] for _, m, r in parts])
    wrong = wrong - wrong.mean()
    swing = np.exp(1j * np.outer(RATES, qpos)) @ wrong
    return np.asarray(np.abs(swing) ** 2 / max(float(wrong @ wrong), 1e-12))
