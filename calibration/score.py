"""The error of a model of efforts, as part of what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import Floats

from .effort_model import Model
from .motion import Motion

RARE = 0.02
"""A joint that moves in a smaller part of the samples only twitches: not scored."""


def errors(model: Model, motions: Sequence[Motion]) -> Floats:
    """Return 100 |effort - model| / |effort| per joint on moving samples, (n,)."""
    return relative([m.effort - model.predict(m) for m in motions], motions)


def relative(wrong: Sequence[Floats], motions: Sequence[Motion]) -> Floats:
    """Return relative RMS errors [%] per joint, NaN where a joint hardly moves."""
    top, bottom = _squares(wrong, motions)
    share = np.concatenate([m.moving for m in motions]).mean(axis=0)
    seen = (share >= RARE) & (bottom > 0)
    return np.asarray(100 * np.sqrt(top / np.where(seen, bottom, np.nan)))


def _squares(
    wrong: Sequence[Floats], motions: Sequence[Motion]
) -> tuple[Floats, Floats]:
    pairs = list(zip(wrong, motions, strict=True))
    top = np.sum([(np.where(m.moving, e, 0) ** 2).sum(axis=0) for e, m in pairs], 0)
    bottom = [(np.where(m.moving, m.effort, 0) ** 2).sum(axis=0) for m in motions]
    return top, np.sum(bottom, axis=0)
