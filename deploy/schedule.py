"""Schedule: absolute monotonic deadlines; missed periods are skipped and counted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

Clock = Callable[[], float]


SHORTEST = 0.2
"""Least time over which a rate is measured [s]; over less the last one stands."""


class Rate:
    """How often something happens, between two readings of its count."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        """Start now, with none so far."""
        self._clock = clock
        self._count, self._since, self._rate = 0, clock(), 0.0

    def read(self, count: int) -> float:
        """Return the rate since the last reading [Hz] for the total ``count``."""
        now = self._clock()
        if now - self._since >= SHORTEST:
            self._rate = (count - self._count) / (now - self._since)
            self._count, self._since = count, now
        return self._rate


class Schedule:
    """Deadlines ``start + k period``; work that overruns never makes a burst."""

    def __init__(
        self,
        period: float,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start now with a ``period`` [s]."""
        self.period = period
        self._clock = clock
        self._sleep = sleep
        self.ticks = 0
        self.missed = 0
        self.consecutive = 0
        self.restart()

    def restart(self) -> None:
        """Put the first deadline one period from now."""
        self._deadline = self._clock() + self.period

    def wait(
        self, prepare: Callable[[], None] | None = None, lead: float = 0.0
    ) -> float:
        """Sleep until the next deadline; return the wake-up's lateness [s].

        A period whose end has passed already is counted as missed and skipped.

        Args:
            prepare: called once ``lead`` before the deadline, if there is that much
                time.
            lead: [s]
        """
        now = self._clock()
        late = math.floor((now - self._deadline) / self.period) + 1
        if now > self._deadline and late > 0:
            self.missed += late
            self.consecutive += late
            self._deadline += late * self.period
        else:
            self.consecutive = 0
        early = self._deadline - self._clock() - lead
        if prepare is not None and early > 0:
            self._sleep(early)
            prepare()
        while (remaining := self._deadline - self._clock()) > 0:
            self._sleep(remaining)
        lateness = -remaining
        self._deadline += self.period
        self.ticks += 1
        return lateness
