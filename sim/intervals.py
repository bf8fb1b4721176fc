"""When the terms with an interval are drawn again within an episode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .randomization import Randomization

Ids = NDArray[np.intp]


class Intervals:
    """Counts control periods per term; every episode has a random phase of its own."""

    def __init__(
        self, randomization: Randomization, nsim: int, control_dt: float
    ) -> None:
        """Round each interval to control periods [s], at least one."""
        self._periods = {
            name: max(1, round(every / control_dt))
            for name, every in randomization.intervals.items()
        }
        self._next = {name: np.zeros(nsim, np.intp) for name in self._periods}

    @property
    def any(self) -> bool:
        """Some term has an interval."""
        return bool(self._periods)

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> None:
        """Draw the phases of the episodes that start in ``ids``."""
        for name, period in self._periods.items():
            self._next[name][ids] = [rng.integers(1, period + 1) for rng in rngs]

    def due(self, elapsed: Ids) -> Iterator[tuple[str, Ids]]:
        """Yield each term and the simulations in which it is drawn again now.

        To be asked in every control period, ``elapsed`` of which have passed (nsim,).
        """
        for name, period in self._periods.items():
            ids = np.flatnonzero(elapsed == self._next[name])
            if len(ids):
                self._next[name][ids] += period
                yield name, ids
