"""Velocity and acceleration from uneven samples, without phase lag."""

from __future__ import annotations

import numpy as np

from forearm.core.log import Floats


def local_slope(time: Floats, rows: Floats, half: int) -> tuple[Floats, Floats]:
    """Return smoothed rows and their slope, by local quadratic regression.

    Tricube weights over ``2 half + 1`` samples (Cleveland 1979, J. Am. Stat. Assoc.
    74); windows are cut at the ends, and stamps need not be even.

    Args:
        time: stamps [s], (T,).
        rows: signal, (T, n).
        half: samples on each side, at least 2.
    """
    count = len(time)
    wanted = np.arange(count)[:, None] + np.arange(-half, half + 1)
    index = np.clip(wanted, 0, count - 1)
    width = (half + 1) * float(np.median(np.diff(time)))
    ahead = (time[index] - time[:, None]) / width
    weight = np.clip(1 - np.abs(ahead) ** 3, 0, None) ** 3
    weight = np.where(wanted == index, weight, 0.0)
    # Behind a gap too few samples are near; a trace of the far ones keeps a slope.
    weight += 1e-6 / (1 + ahead**2) ** 2 * (wanted == index)
    powers = np.stack([np.ones_like(ahead), ahead, ahead**2], axis=-1)
    weighted = powers * weight[..., None]
    normal = np.swapaxes(powers, 1, 2) @ weighted + 1e-12 * np.eye(3)
    moment = np.swapaxes(weighted, 1, 2) @ rows[index]
    fitted = np.linalg.solve(normal, moment)
    return fitted[:, 0], fitted[:, 1] / width
