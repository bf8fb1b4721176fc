"""Correlated draws: what a calibration knows about an arm, kept together.

Marginal intervals forget that a friction that is too high goes with a gain that is too
low. A posterior draws all of it at once, wide along what the log could not tell and
narrow along what it pinned, truncated to what is physical.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from forearm.core.errors import LimitError

from .distribution import Floats
from .quantities import QUANTITIES, get_quantity

ATTEMPTS = 64
"""Draws of the whole vector before conditional draws take over."""

SWEEPS = 32
"""Gibbs sweeps from the truncated mean where rejection finds nothing."""

NAME = re.compile(r"(\w+)\[(\d{1,3})\]")


@dataclass(frozen=True)
class Posterior:
    """A normal distribution over named values, truncated to what is physical."""

    names: tuple[str, ...]
    """Value names, ``param[index]``."""
    covariance: tuple[tuple[float, ...], ...]
    """Symmetric, positive semi-definite, in the units of the values."""
    mean: tuple[float, ...] | None = None
    """Mean; the nominal values where missing."""
    low: tuple[float, ...] | None = None
    """Smallest values; the physical minimum where missing."""
    high: tuple[float, ...] | None = None
    """Largest values; the physical maximum where missing."""

    def __post_init__(self) -> None:
        """Refuse names, sizes and matrices that make no distribution.

        Raises:
            UnknownNameError: a quantity does not exist.
            LimitError: anything else that is wrong.
        """
        k = len(self.names)
        if len(set(self.names)) != k or not k:
            raise LimitError("posterior: names must be given, each once")
        for name in self.names:
            get_quantity(_split(name)[0])
        matrix = np.asarray(self.covariance, np.float64)
        if matrix.shape != (k, k) or not np.isfinite(matrix).all():
            raise LimitError(f"posterior: covariance must be {k} x {k} and finite")
        # In units of each value's own spread, or kp in Nm/rad hides a delay in s.
        spread = np.sqrt(np.maximum(np.diag(matrix), 0.0))
        scale = np.where(spread > 0, spread, 1.0)
        unit = matrix / np.outer(scale, scale)
        if np.abs(unit - unit.T).max() > 1e-6 or np.linalg.eigvalsh(unit)[0] < -1e-6:
            raise LimitError(
                "posterior: covariance must be symmetric and positive semi-definite"
            )
        for field in ("mean", "low", "high"):
            given = getattr(self, field)
            if given is not None and (len(given) != k or np.isnan(given).any()):
                raise LimitError(f"posterior: {field} needs {k} numbers")
        if (self.bounds[0] > self.bounds[1]).any():
            raise LimitError("posterior: a low bound is above its high bound")

    @cached_property
    def places(self) -> dict[str, tuple[list[int], list[int]]]:
        """By quantity: which of its values, and where they stand in the vector."""
        places: dict[str, tuple[list[int], list[int]]] = {}
        for k, name in enumerate(self.names):
            quantity, index = _split(name)
            entry = places.setdefault(quantity, ([], []))
            entry[0].append(index)
            entry[1].append(k)
        return places

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """Smallest and largest value of each name, (k,) each."""
        kinds = [QUANTITIES[_split(name)[0]] for name in self.names]
        low = np.array([q.minimum for q in kinds])
        high = np.array([q.maximum for q in kinds])
        if self.low is not None:
            low = np.maximum(low, self.low)
        if self.high is not None:
            high = np.minimum(high, self.high)
        return low, high

    @cached_property
    def _factor(self) -> Floats:
        values, vectors = np.linalg.eigh(np.asarray(self.covariance, np.float64))
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    @cached_property
    def _conditional(self) -> tuple[Floats, Floats]:
        """Weights and standard deviations of each value given all others."""
        matrix = np.asarray(self.covariance, np.float64)
        ridge = 1e-9 * np.diag(np.maximum(np.diag(matrix), 1e-300))
        precision = np.linalg.inv(matrix + ridge)
        diagonal = np.diag(precision)
        return -precision / diagonal[:, None], 1.0 / np.sqrt(diagonal)

    def vector(self, rng: np.random.Generator, mean: Floats) -> Floats:
        """Draw one vector around ``mean`` (k,), within the bounds.

        By rejection; where nearly nothing is physical, by Gibbs sampling of the
        truncated normal (Geweke, 1991).
        """
        low, high = self.bounds
        draws = mean + rng.standard_normal((ATTEMPTS, len(mean))) @ self._factor.T
        inside = ((draws >= low) & (draws <= high)).all(axis=1)
        if inside.any():
            return np.asarray(draws[np.argmax(inside)])
        return self._gibbs(rng, mean)

    def _gibbs(self, rng: np.random.Generator, mean: Floats) -> Floats:
        low, high = self.bounds
        weights, std = self._conditional
        value = np.clip(mean, low, high)
        for u in rng.random((SWEEPS, len(mean))):
            for i in range(len(mean)):
                others = weights[i] @ (value - mean) - weights[i, i] * (
                    value[i] - mean[i]
                )
                centre = mean[i] + others
                ends = (np.array([low[i], high[i]]) - centre) / std[i]
                z = _truncated(ends[0], ends[1], u[i])
                value[i] = np.clip(centre + std[i] * z, low[i], high[i])
        return np.asarray(value)

    def centre(self, nominal: dict[str, Floats]) -> Floats:
        """Return the mean (k,): the posterior's own, or the nominal values."""
        if self.mean is not None:
            return np.asarray(self.mean, np.float64)
        return np.array([nominal[q][i] for q, i in map(_split, self.names)])

    def sample(
        self, rng: np.random.Generator, nominal: dict[str, Floats]
    ) -> dict[str, Floats]:
        """Draw every quantity the posterior names; its other values stay nominal."""
        vector = self.vector(rng, self.centre(nominal))
        values = {}
        for name, (index, place) in self.places.items():
            values[name] = nominal[name].copy()
            values[name][index] = vector[place]
        return values

    def check(self, nominal: dict[str, Floats]) -> None:
        """Refuse an index the arm does not have and a mean outside the bounds.

        Raises:
            LimitError: either is the case.
        """
        for name, (index, _) in self.places.items():
            if max(index) >= len(nominal[name]):
                raise LimitError(
                    f"posterior: {name}[{max(index)}] does not exist; {name} has "
                    f"{len(nominal[name])} values"
                )


def _truncated(low: float, high: float, u: float) -> float:
    """Quantile ``u`` of the standard normal between ``low`` and ``high``."""
    if low > 0:  # The upper tail rounds to one; by symmetry it is the lower one.
        return -_truncated(-high, -low, 1.0 - u)
    ends = ndtr(np.array([low, high]))
    return float(ndtri(ends[0] + (ends[1] - ends[0]) * u))


def _split(name: str) -> tuple[str, int]:
    match = NAME.fullmatch(name)
    if match is None:
        raise LimitError(f"posterior: {name!r} is not a value name like kp[0]")
    return match[1], int(match[2])
