"""Correlated draws: what a calibration knows about an arm, kept together.

Marginal intervals forget that a friction that is too high goes with a gain that is too
low. A posterior draws all of it at once, wide along what the log could not tell and
narrow along what it pinned, truncated to what is physical.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forearm.core.errors import LimitError

from .distribution import Floats
from .quantities import QUANTITIES, get_quantity
from .truncated import TruncatedNormal

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
    def _normals(self) -> dict[bytes, TruncatedNormal]:
        """By mean: a posterior without one is drawn around the nominal values."""
        return {}

    def vectors(self, rngs: Sequence[np.random.Generator], mean: Floats) -> Floats:
        """Draw vectors (n, k) around ``mean`` (k,) within the bounds.

        Each row comes from its own generator, whatever others are drawn with it.
        """
        key = np.asarray(mean, np.float64).tobytes()
        if key not in self._normals:
            matrix = np.asarray(self.covariance, np.float64)
            self._normals[key] = TruncatedNormal(mean, matrix, *self.bounds)
        return self._normals[key].draw(rngs)

    def centre(self, nominal: Mapping[str, Floats]) -> Floats:
        """Return the mean (k,): the posterior's own, or the nominal values."""
        if self.mean is not None:
            return np.asarray(self.mean, np.float64)
        return np.array([nominal[q][i] for q, i in map(_split, self.names)])

    def sample(
        self, rng: np.random.Generator, nominal: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Draw every quantity the posterior names; its other values stay nominal."""
        return {n: v[0] for n, v in self.sample_many([rng], nominal).items()}

    def sample_many(
        self, rngs: Sequence[np.random.Generator], nominal: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Draw every quantity once per generator, (n, size) each."""
        vectors = self.vectors(rngs, self.centre(nominal))
        values = {}
        for name, (index, place) in self.places.items():
            values[name] = np.tile(nominal[name], (len(vectors), 1))
            values[name][:, index] = vectors[:, place]
        return values

    def check(self, nominal: Mapping[str, Floats]) -> None:
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


def _split(name: str) -> tuple[str, int]:
    match = NAME.fullmatch(name)
    if match is None:
        raise LimitError(f"posterior: {name!r} is not a value name like kp[0]")
    return match[1], int(match[2])
