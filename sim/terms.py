"""What a draw does to the nominal value: add, multiply, replace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forearm.core.errors import LimitError

from .distribution import Distribution, Floats
from .quantities import Quantity

SHORTEST = 0.02
"""Shortest interval between two draws within an episode [s]."""


@dataclass(frozen=True)
class Term(ABC):
    """One randomized quantity: a distribution and what its draws do."""

    distribution: Distribution
    """What is drawn."""
    shared: bool = False
    """One draw for all values of the quantity instead of one each."""
    every: float | None = None
    """Draw again after this time within an episode [s]; once per episode if None."""

    sign: ClassVar[str]
    """How the term is written: ``+``, ``x`` or ``=``."""

    def __post_init__(self) -> None:
        """Refuse an interval that is too short.

        Raises:
            LimitError: ``every`` is shorter than :data:`SHORTEST`.
        """
        if self.every is not None and not SHORTEST <= self.every < np.inf:
            raise LimitError(
                f"an interval of {self.every} s between draws must be at least "
                f"{SHORTEST} s"
            )

    @abstractmethod
    def apply(self, nominal: Floats, draw: Floats) -> Floats:
        """Return what ``draw`` makes of ``nominal``, arrays that broadcast."""

    def shape(self, size: int) -> tuple[int, int]:
        """Return the shape of the uniform numbers that a draw of ``size`` takes."""
        return self.distribution.uniforms, 1 if self.shared else size

    def transform(self, u: Floats, nominal: Floats) -> Floats:
        """Return values (k, size) around ``nominal`` (size,) of uniform numbers.

        Args:
            u: numbers in [0, 1), (uniforms, k, size or 1 where shared).
            nominal: nominal values.
        """
        values = self.apply(nominal, self.distribution.transform(u))
        shape = (u.shape[1], len(nominal))
        return values if values.shape == shape else np.broadcast_to(values, shape)

    def sample(self, rng: np.random.Generator, nominal: Floats) -> Floats:
        """Draw values around ``nominal`` (size,)."""
        uniforms, size = self.shape(len(nominal))
        return np.asarray(self.transform(rng.random((uniforms, 1, size)), nominal)[0])

    def range(self, nominal: Floats) -> tuple[Floats, Floats]:
        """Return the smallest and largest value around ``nominal`` (size,)."""
        ends = [
            np.broadcast_to(self.apply(nominal, end), nominal.shape)
            for end in self.distribution.support
        ]
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def low(self) -> float:
        """Smallest draw of any value."""
        return float(np.min(self.distribution.support[0]))

    @property
    def high(self) -> float:
        """Largest draw of any value."""
        return float(np.max(self.distribution.support[1]))

    def check(self, name: str, quantity: Quantity, nominal: Floats) -> None:
        """Refuse a term that leaves what is physical around ``nominal``.

        Raises:
            LimitError: wrong number of values, or a range outside the valid one.
        """
        self.distribution.check_size(1 if self.shared else len(nominal), name)
        lowest, highest = self.range(nominal)
        low, high = float(lowest.min()), float(highest.max())
        if low < quantity.minimum or high > quantity.maximum:
            raise LimitError(
                f"{name}: {self} gives values from {low:g} to {high:g}; valid: "
                f"{quantity.valid}"
            )

    def __str__(self) -> str:
        """Say it in a few characters."""
        often = "" if self.every is None else f" every {self.every:g} s"
        return f"{self.sign}{self.distribution}{' shared' * self.shared}{often}"


class Additive(Term):
    """The draw is added to the nominal value."""

    sign = "+"

    def apply(self, nominal: Floats, draw: Floats) -> Floats:
        """Return the sum."""
        return nominal + draw


class Multiplicative(Term):
    """The nominal value is multiplied by the draw."""

    sign = "x"

    def apply(self, nominal: Floats, draw: Floats) -> Floats:
        """Return the product."""
        return nominal * draw


class Absolute(Term):
    """The draw is the value, whatever the nominal one is."""

    sign = "="

    def apply(self, nominal: Floats, draw: Floats) -> Floats:
        """Return the draw."""
        if draw.shape[-1:] == nominal.shape:
            return draw
        return np.asarray(np.broadcast_to(draw, np.broadcast(nominal, draw).shape))
