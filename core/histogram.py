"""Histogram with fixed logarithmic bins: percentiles without keeping the values."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field

from .errors import LimitError

LOWEST, PER_DECADE, DECADES = 1e-6, 40, 7
"""1e-6 to 10, 6 % resolution: for times 1 us to 10 s, for angles 1 urad to 10 rad."""

LAST = PER_DECADE * DECADES
"""Number of the last bin, which holds all that is larger too."""


class HistogramContent(BaseModel):
    """A histogram as it stands in a log; empty bins are left out."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    bins: dict[int, int] = Field(max_length=LAST + 1)
    """Count by number of the bin."""
    maximum: float = Field(ge=0)
    """Largest value."""


class Histogram:
    """Counts of positive values, times [s] as a rule."""

    def __init__(self) -> None:
        """Start empty."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.bins = [0] * (LAST + 1)
        self.count = 0
        self.maximum = 0.0

    def add(self, value: float) -> None:
        """Count one value; what is below 1e-6 counts as that."""
        scaled = PER_DECADE * math.log10(value / LOWEST) if value > LOWEST else 0.0
        self.bins[min(int(scaled), LAST)] += 1
        self.count += 1
        if value > self.maximum:
            self.maximum = value

    def quantile(self, q: float) -> float:
        """Return the upper edge of the bin that holds quantile ``q``."""
        wanted, seen = q * self.count, 0
        for i, count in enumerate(self.bins):
            seen += count
            if seen >= wanted and seen:
                return float(min(LOWEST * 10 ** ((i + 1) / PER_DECADE), self.maximum))
        return 0.0

    def merge(self, other: Histogram) -> None:
        """Count everything that ``other`` counted."""
        self.bins = [a + b for a, b in zip(self.bins, other.bins, strict=True)]
        self.count += other.count
        self.maximum = max(self.maximum, other.maximum)

    def content(self) -> HistogramContent:
        """Return what :meth:`from_content` takes, for a log."""
        bins = {i: count for i, count in enumerate(self.bins) if count}
        return HistogramContent(bins=bins, maximum=self.maximum)

    @classmethod
    def from_content(cls, content: HistogramContent) -> Histogram:
        """Return the histogram that was written.

        Raises:
            LimitError: it has bins that do not exist, or negative counts.
        """
        made = cls()
        for i, count in content.bins.items():
            if not 0 <= i <= LAST or count < 0:
                raise LimitError(f"histogram bin {i} with count {count} cannot be")
            made.bins[i] = count
        made.count = sum(made.bins)
        made.maximum = content.maximum
        return made
