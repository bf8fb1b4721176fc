"""Histogram with fixed logarithmic bins: percentiles without keeping the times."""

from __future__ import annotations

import math

LOWEST, PER_DECADE, DECADES = 1e-6, 40, 7
"""1 us to 10 s, 6 % resolution."""


class Histogram:
    """Counts of positive times [s]."""

    def __init__(self) -> None:
        """Start empty."""
        self.bins = [0] * (PER_DECADE * DECADES + 1)
        self.count = 0
        self.maximum = 0.0

    def add(self, value: float) -> None:
        """Count one time [s]; what is below a microsecond counts as one."""
        scaled = PER_DECADE * math.log10(value / LOWEST) if value > LOWEST else 0.0
        self.bins[min(int(scaled), len(self.bins) - 1)] += 1
        self.count += 1
        if value > self.maximum:
            self.maximum = value

    def quantile(self, q: float) -> float:
        """Return the upper edge of the bin that holds quantile ``q`` [s]."""
        wanted, seen = q * self.count, 0
        for i, count in enumerate(self.bins):
            seen += count
            if seen >= wanted and seen:
                return float(min(LOWEST * 10 ** ((i + 1) / PER_DECADE), self.maximum))
        return 0.0

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]
