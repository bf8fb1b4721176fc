"""The distributions there are: constant, uniform, log-uniform, normal, choice.

Every parameter may be one number or a tuple with one number per value drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from forearm.core.errors import LimitError

from .distribution import Distribution, Floats, Number


def _affine(number: Number, scale: float, offset: float) -> Number:
    if isinstance(number, tuple):
        return tuple(scale * n + offset for n in number)
    return scale * number + offset


def _finite(name: str, *numbers: Number) -> None:
    if not all(np.isfinite(n).all() for n in numbers):
        raise LimitError(f"{name}: every number must be finite, got {numbers}")


def _ordered(name: str, low: Number, high: Number) -> None:
    _finite(name, low, high)
    if (np.asarray(low) > np.asarray(high)).any():
        raise LimitError(f"{name}: low {low} must not be above high {high}")


def _text(number: Number) -> str:
    values = np.atleast_1d(number)
    return (
        f"{values[0]:g}"
        if (values == values[0]).all()
        else f"[{', '.join(f'{v:g}' for v in values)}]"
    )


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    value: Number
    """The value."""

    def __post_init__(self) -> None:
        """Refuse what is not finite."""
        _finite("constant", self.value)

    def affine(self, scale: float, offset: float) -> Constant:
        """Return the scaled and shifted constant."""
        return Constant(_affine(self.value, scale, offset))

    def quantile(self, u: Floats) -> Floats:
        """Return the value."""
        return np.asarray(np.broadcast_to(self.value, u.shape), np.float64)

    def cdf(self, x: Floats) -> Floats:
        """Step from 0 to 1 at the value."""
        return np.asarray(x >= np.asarray(self.value), np.float64)

    @property
    def support(self) -> tuple[Floats, Floats]:
        """The value twice."""
        return np.asarray(self.value, float), np.asarray(self.value, float)

    def __str__(self) -> str:
        """Say it in a few characters."""
        return _text(self.value)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every value between ``low`` and ``high`` alike."""

    low: Number
    """Smallest draw."""
    high: Number
    """Largest draw."""

    def __post_init__(self) -> None:
        """Refuse a range that is not finite or not ordered."""
        _ordered("uniform", self.low, self.high)

    def affine(self, scale: float, offset: float) -> Uniform:
        """Return the scaled and shifted range."""
        ends = (_affine(n, scale, offset) for n in (self.low, self.high))
        low, high = ends if scale >= 0 else reversed(tuple(ends))
        return Uniform(low, high)

    def quantile(self, u: Floats) -> Floats:
        """Return ``low + (high - low) u``."""
        low, high = self.support
        return np.asarray(low + (high - low) * u)

    def cdf(self, x: Floats) -> Floats:
        """Rise linearly from ``low`` to ``high``."""
        low, high = self.support
        width = np.where(high > low, high - low, 1.0)
        inside = np.where(high > low, (x - low) / width, x >= low)
        return np.asarray(np.clip(inside, 0.0, 1.0))

    @property
    def support(self) -> tuple[Floats, Floats]:
        """``low`` and ``high``."""
        return np.asarray(self.low, float), np.asarray(self.high, float)

    def __str__(self) -> str:
        """Say it in a few characters."""
        return f"U({_text(self.low)}, {_text(self.high)})"


@dataclass(frozen=True)
class LogUniform(Distribution):
    """The logarithm is uniform: half to double is as likely as double to fourfold."""

    low: Number
    """Smallest draw, positive."""
    high: Number
    """Largest draw."""

    def __post_init__(self) -> None:
        """Refuse a range that is not finite, positive and ordered."""
        _ordered("log_uniform", self.low, self.high)
        if (np.asarray(self.low) <= 0).any():
            raise LimitError(f"log_uniform: low must be positive, got {self.low}")

    def _log(self) -> Uniform:
        low, high = self.support
        return Uniform(tuple(np.log(low).ravel()), tuple(np.log(high).ravel()))

    def quantile(self, u: Floats) -> Floats:
        """Return ``low (high / low)^u``."""
        low, high = self.support
        return np.asarray(low * (high / low) ** u)

    def cdf(self, x: Floats) -> Floats:
        """Rise linearly in the logarithm."""
        return self._log().cdf(np.log(np.maximum(x, 1e-300)))

    @property
    def support(self) -> tuple[Floats, Floats]:
        """``low`` and ``high``."""
        return np.asarray(self.low, float), np.asarray(self.high, float)

    def __str__(self) -> str:
        """Say it in a few characters."""
        return f"logU({_text(self.low)}, {_text(self.high)})"


@dataclass(frozen=True)
class Normal(Distribution):
    """A normal distribution cut off at ``low`` and ``high``."""

    mean: Number
    """Mean before truncation."""
    std: Number
    """Standard deviation before truncation, positive."""
    low: Number | None = None
    """Smallest draw; three standard deviations below the mean where missing."""
    high: Number | None = None
    """Largest draw; three standard deviations above the mean where missing."""

    def __post_init__(self) -> None:
        """Refuse what is not finite, a standard deviation of zero, an empty range."""
        _finite("normal", self.mean, self.std)
        if (np.asarray(self.std) <= 0).any():
            raise LimitError(f"normal: std must be positive, got {self.std}")
        low, high = self.support
        _ordered("normal", tuple(low.ravel()), tuple(high.ravel()))
        if (np.diff(self._ends(), axis=0) < 1e-6).any():
            raise LimitError(
                f"normal: [{_text(tuple(low.ravel()))}, {_text(tuple(high.ravel()))}] "
                f"holds next to nothing of mean {self.mean}, std {self.std}"
            )

    def _ends(self) -> Floats:
        low, high = self.support
        ends = np.stack(np.broadcast_arrays(low, high))
        return np.asarray(ndtr((ends - np.asarray(self.mean)) / np.asarray(self.std)))

    def quantile(self, u: Floats) -> Floats:
        """Return the quantile of the truncated distribution."""
        below, above = self._ends()
        z = ndtri(below + (above - below) * u)
        value = np.asarray(self.mean) + np.asarray(self.std) * z
        return np.asarray(np.clip(value, *self.support))

    def cdf(self, x: Floats) -> Floats:
        """Return the truncated distribution's share below ``x``."""
        below, above = self._ends()
        share = ndtr((x - np.asarray(self.mean)) / np.asarray(self.std))
        return np.asarray(np.clip((share - below) / (above - below), 0.0, 1.0))

    @property
    def support(self) -> tuple[Floats, Floats]:
        """The bounds, or three standard deviations around the mean."""
        mean, std = np.asarray(self.mean, float), np.asarray(self.std, float)
        low = mean - 3 * std if self.low is None else np.asarray(self.low, float)
        high = mean + 3 * std if self.high is None else np.asarray(self.high, float)
        return low, high

    def __str__(self) -> str:
        """Say it in a few characters."""
        low, high = self.support
        ends = f"{_text(tuple(low.ravel()))}, {_text(tuple(high.ravel()))}"
        return f"N({_text(self.mean)}, {_text(self.std)}) in [{ends}]"


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several values, each as likely as the others."""

    values: tuple[float, ...]
    """The values; one that stands twice is drawn twice as often."""

    def __post_init__(self) -> None:
        """Refuse an empty list and what is not finite."""
        if not self.values:
            raise LimitError("choice: needs at least one value")
        _finite("choice", self.values)

    def affine(self, scale: float, offset: float) -> Choice:
        """Return the scaled and shifted values."""
        return Choice(tuple(scale * v + offset for v in self.values))

    def quantile(self, u: Floats) -> Floats:
        """Return the value whose turn it is at ``u``."""
        values = np.sort(self.values)
        place = np.minimum((u * len(values)).astype(np.intp), len(values) - 1)
        return np.asarray(values[place])

    def cdf(self, x: Floats) -> Floats:
        """Count the values up to ``x``."""
        count = np.searchsorted(np.sort(self.values), x, side="right")
        return np.asarray(count / len(self.values))

    @property
    def support(self) -> tuple[Floats, Floats]:
        """Smallest and largest value."""
        return np.asarray(min(self.values)), np.asarray(max(self.values))

    def __str__(self) -> str:
        """Say it in a few characters."""
        return f"one of {', '.join(f'{v:g}' for v in self.values)}"
