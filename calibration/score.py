"""The error of a model of efforts, as part of what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import Floats

from .effort_model import Model
from .motion import Flags, Motion
from .smooth import local_slope

RARE = 0.02
"""A joint that moves in a smaller part of the samples only twitches: not scored."""


def errors(model: Model, motions: Sequence[Motion]) -> Floats:
    """Return 100 |effort - model| / |effort| per joint on moving samples, (n,)."""
    return relative([m.effort - model.predict(m) for m in motions], motions)


def noise_floor(motions: Sequence[Motion], half: int = 3) -> Floats:
    """Return the part of the effort that is white noise [%] per joint, (n,).

    What a smooth curve through neighbouring samples leaves, in the unit of the errors:
    no model can predict better.

    Args:
        motions: logs.
        half: samples on each side of the curve's window.
    """
    impulse = np.zeros((4 * half + 1, 1))
    impulse[2 * half] = 1.0
    stamps = np.linspace(0.0, 1.0, len(impulse))
    kernel = local_slope(stamps, impulse, half)[0][:, 0]
    left = 1 - 2 * kernel[2 * half] + float(kernel @ kernel)
    rough = [m.effort - local_slope(m.log.time, m.effort, half)[0] for m in motions]
    smooth = [_no_reversal(m, half) for m in motions]
    top = [np.where(s, r, 0) ** 2 for s, r in zip(smooth, rough, strict=True)]
    count = np.concatenate(smooth).sum(axis=0)
    noise = np.concatenate(top).sum(axis=0) / np.where(count > 0, count, np.nan) / left
    size = [np.where(m.moving, m.effort, 0) ** 2 for m in motions]
    moving = np.concatenate([m.moving for m in motions])
    seen = moving.mean(axis=0) >= RARE
    total = np.concatenate(size).sum(axis=0) / np.where(seen, moving.sum(0), np.nan)
    return np.asarray(100 * np.sqrt(noise / total))


def _no_reversal(motion: Motion, half: int) -> Flags:
    """Return where a joint goes one way all through the window: no friction jumps."""
    out = motion.moving.copy()
    for shift in range(-half, half + 1):
        near = np.roll(motion.qvel, shift, axis=0)
        out &= np.sign(near) == np.sign(motion.qvel)
    out[:half] = out[-half:] = False
    return out


def smooth_errors(model: Model, motions: Sequence[Motion], half: int = 3) -> Floats:
    """Return :func:`errors` behind a filter that takes most of the white noise, (n,).

    Effort and model pass the same local regression without phase lag, so that what the
    model has wrong at the speed of the motion still counts in full.

    Args:
        model: predicts the efforts.
        motions: logs.
        half: samples on each side of the filter's window.
    """

    def smooth(motion: Motion, rows: Floats) -> Floats:
        return local_slope(motion.log.time, rows, half)[0]

    sizes = [smooth(m, m.effort) for m in motions]
    pairs = zip(motions, sizes, strict=True)
    return relative(
        [size - smooth(m, model.predict(m)) for m, size in pairs], motions, sizes
    )


def relative(
    wrong: Sequence[Floats],
    motions: Sequence[Motion],
    sizes: Sequence[Floats] | None = None,
) -> Floats:
    """Return relative RMS errors [%] per joint, NaN where a joint hardly moves.

    Args:
        wrong: what is left of each log's effort.
        motions: the logs.
        sizes: what counts as the effort; as measured by default.
    """
    top, bottom = _squares(wrong, motions, sizes)
    share = np.concatenate([m.moving for m in motions]).mean(axis=0)
    seen = (share >= RARE) & (bottom > 0)
    return np.asarray(100 * np.sqrt(top / np.where(seen, bottom, np.nan)))


def pooled(model: Model, motions: Sequence[Motion]) -> float:
    """Return 100 |effort - model| / |effort| over all joints together [%].

    Joints that hardly load their drive, whose effort is mostly noise, count by their
    torque.
    """
    top, bottom = _squares([m.effort - model.predict(m) for m in motions], motions)
    return float(100 * np.sqrt(top.sum() / bottom.sum()))


def _squares(
    wrong: Sequence[Floats],
    motions: Sequence[Motion],
    sizes: Sequence[Floats] | None = None,
) -> tuple[Floats, Floats]:
    sizes = [m.effort for m in motions] if sizes is None else sizes
    pairs = list(zip(wrong, motions, strict=True))
    top = np.sum([(np.where(m.moving, e, 0) ** 2).sum(axis=0) for e, m in pairs], 0)
    sized = zip(sizes, motions, strict=True)
    bottom = [(np.where(m.moving, e, 0) ** 2).sum(axis=0) for e, m in sized]
    return top, np.sum(bottom, axis=0)
