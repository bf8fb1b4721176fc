"""LatencyWatch: is the loop's delay beyond what the policy tolerates?

One late message is what the freshness budget is for. Here the mean over the last
tenth of a second counts: a delay that stays.
"""

from __future__ import annotations

import math

from forearm.core.contract import Contract

from .faults import Fault, Problem

WINDOW = 0.1
"""Time over which the delay is averaged [s]."""


class LatencyWatch:
    """Mean delay over the last periods, against the tolerated one."""

    def __init__(self, contract: Contract) -> None:
        """Take the tolerated delay of a ``contract``; without one any is."""
        tolerated = contract.latency.tolerated
        self._tolerated = math.inf if tolerated is None else tolerated
        self._last = [0.0] * max(1, round(WINDOW / contract.control_dt))
        self._at = 0
        self.spent = 0.0
        """Time that the last command took from waking up to its publication [s]."""

    def reset(self) -> None:
        """Forget what was seen."""
        self._last = [0.0] * len(self._last)

    def check(self, delay: float) -> Problem | None:
        """Take this period's delay [s]; return what is wrong with the mean, if so.

        Args:
            delay: age of the joint state acted on; :attr:`spent` is added here. What
                is not finite is left to the freshness budget.
        """
        delay += self.spent
        if math.isfinite(delay):
            self._last[self._at] = max(delay, 0.0)
            self._at = (self._at + 1) % len(self._last)
        mean = sum(self._last) / len(self._last)
        if mean <= self._tolerated:
            return None
        return Problem(
            Fault.LATENCY,
            f"the loop is {mean * 1e3:.0f} ms late on average, the policy tolerates "
            f"{self._tolerated * 1e3:.0f} ms",
        )
