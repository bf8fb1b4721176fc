"""Distribution shift: does the arm sense what the policy was trained on?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forearm.core.contract import Contract

from .faults import Fault, Problem

MARGIN = 0.1
"""Part of the training range that an input may lie beyond it."""


class ShiftWatch:
    """Compares inputs with the range the bundle carries for them."""

    def __init__(self, contract: Contract) -> None:
        """Take the training ranges of a ``contract``; inputs without one pass."""
        self._ranges: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for entry in contract.inputs:
            if entry.low is None or entry.high is None:
                continue
            low = np.array(entry.low, np.float32)
            high = np.array(entry.high, np.float32)
            slack = MARGIN * (high - low)
            self._ranges[entry.name] = (low - slack, high + slack)
        self.counts = dict.fromkeys(self._ranges, 0)
        """Periods in which each input was outside its range."""
        self.checked = 0
        """Periods looked at."""
        self.outside = False
        """Whether some input was outside its range in the last one."""

    def check(self, inputs: Mapping[str, NDArray[np.float32]]) -> Problem | None:
        """Return the first input that lies outside what training saw, if any."""
        self.checked += 1
        found = None
        for name, (low, high) in self._ranges.items():
            value = inputs[name][0]
            if (value >= low).all() and (value <= high).all():
                continue
            self.counts[name] += 1
            if found is None:
                worst = int(np.argmax(np.maximum(low - value, value - high)))
                found = Problem(
                    Fault.DISTRIBUTION,
                    f"{name}[{worst}] is {value[worst]:.3f}, training saw "
                    f"{low[worst]:.3f} to {high[worst]:.3f}",
                )
        self.outside = found is not None
        return found

    @property
    def share(self) -> float:
        """Part of the periods in which some input was outside its range."""
        return max(self.counts.values(), default=0) / max(self.checked, 1)
