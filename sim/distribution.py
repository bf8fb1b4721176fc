"""What a distribution is, and its arithmetic: ``1 + 0.1 * Uniform(-1, 1)``.

In the manner of dm_control's ``composer/variation``, but every distribution also knows
its support, its quantiles and its cumulative distribution, so that the audit can hold
what the simulator does against what was declared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError

Floats = NDArray[np.float64]

Number = float | tuple[float, ...]
"""One number for all values, or one each."""

GRID = 512
"""Quantiles of one operand over which the other's distribution is averaged."""


class Distribution(ABC):
    """What a value may be, and how often."""

    @abstractmethod
    def quantile(self, u: Floats) -> Floats:
        """Return the value below which a share ``u`` in [0, 1] of draws lies."""

    @abstractmethod
    def cdf(self, x: Floats) -> Floats:
        """Return the share of draws that are at most ``x``."""

    @property
    @abstractmethod
    def support(self) -> tuple[Floats, Floats]:
        """Smallest and largest draw, scalars or one per value."""

    @property
    def uniforms(self) -> int:
        """Uniform numbers that one draw takes."""
        return 1

    def transform(self, u: Floats) -> Floats:
        """Return draws (..., size) made of uniform numbers (uniforms, ..., size)."""
        return self.quantile(u[0])

    def sample(self, rng: np.random.Generator, size: int) -> Floats:
        """Draw ``size`` values by inversion."""
        return self.transform(rng.random((self.uniforms, size)))

    def affine(self, scale: float, offset: float) -> Distribution:
        """Return the distribution of ``scale`` times a draw plus ``offset``."""
        product = self if scale == 1 else Combined("*", self, scale)
        return product if offset == 0 else Combined("+", product, offset)

    def check_size(self, size: int, name: str) -> None:
        """Refuse per-value parameters that do not fit ``size`` values.

        Raises:
            LimitError: there are more or fewer than ``size`` of them.
        """
        shape = np.broadcast(*self.support).shape
        if shape not in ((), (1,), (size,)):
            raise LimitError(f"{name} needs 1 or {size} numbers, got {shape[0]}")

    def __add__(self, other: Distribution | float) -> Distribution:
        """Return the distribution of the sum of independent draws."""
        if isinstance(other, Distribution):
            return Combined("+", self, other)
        return self.affine(1.0, other)

    def __mul__(self, other: Distribution | float) -> Distribution:
        """Return the distribution of the product of independent draws."""
        if isinstance(other, Distribution):
            return Combined("*", self, other)
        return self.affine(other, 0.0)

    def __neg__(self) -> Distribution:
        """Return the distribution of the negative."""
        return self.affine(-1.0, 0.0)

    def __sub__(self, other: Distribution | float) -> Distribution:
        """Return the distribution of the difference of independent draws."""
        return self + -other

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> Distribution:
        """Return the distribution of ``other`` minus a draw."""
        return self.affine(-1.0, other)


@dataclass(frozen=True)
class Combined(Distribution):
    """Sum or product of two independent draws, or of a draw and a number."""

    operation: Literal["+", "*"]
    """What is done to them."""
    left: Distribution
    """First operand."""
    right: Distribution | float
    """Second operand."""

    def _apply(self, left: Floats, right: Floats | float) -> Floats:
        return np.asarray(left + right if self.operation == "+" else left * right)

    @property
    def uniforms(self) -> int:
        """Uniform numbers that one draw takes: those of both operands."""
        right = self.right
        return self.left.uniforms + (
            right.uniforms if isinstance(right, Distribution) else 0
        )

    def transform(self, u: Floats) -> Floats:
        """Draw both operands."""
        first = self.left.uniforms
        left = self.left.transform(u[:first])
        if isinstance(self.right, Distribution):
            return self._apply(left, self.right.transform(u[first:]))
        return self._apply(left, self.right)

    def cdf(self, x: Floats) -> Floats:
        """Average the left operand's distribution over the right one's quantiles."""
        x = np.asarray(x, np.float64)
        if isinstance(self.right, Distribution):
            middle = (np.arange(GRID) + 0.5) / GRID
            right = self.right.quantile(middle[(...,) + (None,) * x.ndim])
        else:
            right = np.full((1,) * (x.ndim + 1), self.right)
        if self.operation == "+":
            return np.asarray(self.left.cdf(x - right).mean(axis=0))
        share = self.left.cdf(x / np.where(right == 0, np.inf, right))
        share = np.where(right < 0, 1.0 - share, share)
        return np.asarray(np.where(right == 0, x >= 0, share).mean(axis=0))

    def quantile(self, u: Floats) -> Floats:
        """Invert :meth:`cdf` by bisection."""
        low, high = (np.broadcast_to(end, u.shape).copy() for end in self.support)
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < u
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(0.5 * (low + high))

    @property
    def support(self) -> tuple[Floats, Floats]:
        """Interval arithmetic on the operands' supports."""
        right = self.right
        others = right.support if isinstance(right, Distribution) else (right,)
        ends = [self._apply(a, b) for a in self.left.support for b in others]
        stacked = np.stack(np.broadcast_arrays(*ends))
        return stacked.min(axis=0), stacked.max(axis=0)

    def __str__(self) -> str:
        """Say it in a few characters."""
        return f"({self.left} {self.operation} {self.right})"
