"""Intervals for what is counted and compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson score interval of a success rate (Wilson 1927, J. Am. Stat. Assoc. 22).

    Args:
        successes: number of successes, ``0 <= successes <= trials``.
        trials: number of trials; 0 gives the whole interval ``(0, 1)``.
        z: normal quantile, 1.96 for 95 %.

    Raises:
        ValueError: the counts contradict each other.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials is impossible")
    if trials == 0:
        return 0.0, 1.0
    rate, z2 = successes / trials, z * z
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    half *= z / (1 + z2 / trials)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def chance_of_losses(lost: int, gained: int) -> float:
    """Chance of at least ``lost`` of the discordant pairs, were both ways as likely.

    The exact one-sided form of McNemar's test (1947, Psychometrika 12): episodes with
    the same seed succeed under one condition and not the other.

    Args:
        lost: pairs that succeed under the first condition only.
        gained: pairs that succeed under the second condition only.
    """
    pairs = lost + gained
    ways = sum(math.comb(pairs, k) for k in range(lost, pairs + 1))
    return float(ways / 2**pairs)


def bootstrap_mean(
    values: Sequence[float] | NDArray[np.float64],
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979, Ann. Stat. 7).

    For a paired comparison pass the differences.

    Raises:
        ValueError: there are no values.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise ValueError("a bootstrap needs at least one value")
    means = rng.choice(data, size=(resamples, data.size)).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
