"""When the terms with an interval are drawn again within an episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from .randomization import Randomization

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]


class Intervals:
    """Counts control periods per term; every episode has a random phase of its own.

    What is drawn within an episode is drawn when it starts, for all of it at once.
    """

    def __init__(
        self, randomization: Randomization, nsim: int, control_dt: float, steps: int
    ) -> None:
        """Round each interval to control periods [s], at least one.

        Args:
            randomization: the terms.
            nsim: number of simulations.
            control_dt: control period [s].
            steps: longest episode.
        """
        self._periods = {
            name: max(1, round(every / control_dt))
            for name, every in randomization.intervals.items()
        }
        self._steps = steps
        self._next = {name: np.zeros(nsim, np.intp) for name in self._periods}
        self._turn = {name: np.zeros(nsim, np.intp) for name in self._periods}
        self._drawn: dict[str, Floats] = {}

    @property
    def any(self) -> bool:
        """Some term has an interval."""
        return bool(self._periods)

    def reset(
        self,
        ids: Ids,
        rngs: list[np.random.Generator],
        randomization: Randomization,
        nominal: Mapping[str, Floats],
    ) -> None:
        """Draw phases and values of the episodes that start in ``ids``.

        Args:
            ids: the simulations.
            rngs: one generator per simulation.
            randomization: what is drawn from, with the share of it in use.
            nominal: values by quantity, (size,) each.
        """
        for name, period in self._periods.items():
            self._next[name][ids] = [rng.integers(1, period + 1) for rng in rngs]
            self._turn[name][ids] = 0
            if name not in randomization.terms:
                self._next[name][ids] = self._steps  # Never within the episode.
                continue
            count = -(-self._steps // period)
            each = [rng for rng in rngs for _ in range(count)]
            values = randomization.sample_many(each, nominal, (name,))[name]
            if name not in self._drawn:
                shape = (count, len(self._next[name]), values.shape[1])
                self._drawn[name] = np.zeros(shape)
            values = values.reshape(len(ids), count, -1)
            self._drawn[name][:, ids] = values.swapaxes(0, 1)

    def due(self, elapsed: Ids) -> Iterator[tuple[str, Ids, Floats]]:
        """Yield each term, the simulations in which it changes now and its values.

        To be asked in every control period, ``elapsed`` of which have passed (nsim,).
        """
        for name, period in self._periods.items():
            ids = np.flatnonzero(elapsed == self._next[name])
            if len(ids):
                turn = self._turn[name][ids]
                self._next[name][ids] += period
                self._turn[name][ids] = turn + 1
                yield name, ids, self._drawn[name][turn, ids]
