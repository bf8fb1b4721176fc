"""The plain MuJoCo servo nearest to the fitted one, for one P gain at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec
from forearm.core.robots.xl330 import P_GAIN

from .evolve import Evolution
from .pendulum import Bench, bench_header
from .pendulum_search import SHARED, Search, weighed

NATIVE = (*SHARED, "effort")
"""What plain MuJoCo has fields for; ``effort`` is the actuator's forcerange.

Friction that grows with load takes most where the servo pulls hardest, which a limit
does too. A law that is wrong holds for one gain at a time, and what it lacks the fitted
law knows: leaving out one trajectory after the other at both gains of the logs this was
made with, the mean error over those left out is 76 mrad with one set of numbers for
all gains, 84 mrad with a set per gain fitted to its logs, and 73 mrad with a set per
gain fitted to the motion that the full law predicts.
"""

WIDE = 0.06
"""Prior, as :data:`forearm.calibration.pendulum_search.WIDE`."""

POPULATION, STARTS = 20, 3
"""Members of a generation; searches, the best of which counts."""

GENERATIONS = 80
"""Effort of the search; other seeds change the error by 1 mrad."""

GAINS = 4
"""Gains with numbers of their own, from the lowest to the highest logged."""


@dataclass(frozen=True)
class NativeServo:
    """Numbers of the native law at several P gains."""

    search: Search
    """The law."""
    gains: Floats
    """Firmware P gains, rising, (k,)."""
    numbers: Floats
    """Numbers of the law at each, (k, size)."""

    def at(self, gains: Sequence[float]) -> dict[str, Floats]:
        """Return values (len(gains), 1), between two gains in their logarithm.

        As in :class:`Bench`, ``kp`` and ``kv`` hold at the robot's own P gain.
        """
        wanted, known = np.log(gains), np.log(self.gains)
        columns = [np.interp(wanted, known, column) for column in self.numbers.T]
        return self.search.values(np.stack(columns, axis=1))

    def errors(self, bench: Bench, gains: Sequence[float]) -> Floats:
        """Return the mean absolute error of each log at its gain [rad], (logs,)."""
        return np.diag(bench.errors(self.at(gains))).copy()

    def table(self) -> list[dict[str, float]]:
        """Return what a position actuator of plain MuJoCo needs at each gain."""
        found = self.at(self.gains.tolist())
        rows = []
        for i, gain in enumerate(self.gains.tolist()):
            row = {name: float(value[i, 0]) for name, value in found.items()}
            row["kp"] *= gain / P_GAIN
            rows.append({"p_gain": round(gain, 6), **row})
        return rows


def project(
    robot: RobotSpec, logs: Sequence[RunLog], search: Search, best: Floats
) -> NativeServo:
    """Fit Coulomb and viscous friction and a torque limit to the full law's motion.

    Args:
        robot: the one-joint robot.
        logs: the logs the law was fitted to.
        search: the fitted law.
        best: its numbers.
    """
    logged = [bench_header(log)["kp"] for log in logs]
    lowest, highest = min(logged), max(logged)
    asked = [log for log, gain in zip(logs, logged, strict=True) if gain == lowest]
    count = GAINS if highest > lowest else 1
    gains = np.geomspace(lowest, highest, count)
    native, law = Search(robot, NATIVE), search.values(best[None])
    bench = Bench(asked * count, np.repeat(gains, len(asked)).tolist())
    bench.aim([rows[0] for rows in bench.at_samples(bench.run(law))])
    return NativeServo(native, gains, _best(native, bench, count))


def _best(native: Search, bench: Bench, count: int) -> Floats:
    """Search the numbers of every gain, all in one simulation, (count, size)."""
    found = np.stack([_evolved(native, bench, count, seed) for seed in range(STARTS)])
    best = _costs(native, bench, found).argmin(axis=0)
    return np.asarray(found[best, np.arange(count)])


def _evolved(native: Search, bench: Bench, count: int, seed: int) -> Floats:
    searches = [
        Evolution(len(native.names), POPULATION, np.random.default_rng([seed, k]))
        for k in range(count)
    ]
    for _ in range(GENERATIONS):
        members = np.stack([search.ask() for search in searches], axis=1)
        costs = _costs(native, bench, members)
        for search, cost in zip(searches, costs.T, strict=True):
            search.tell(cost)
    return np.array([search.mean for search in searches])


def _costs(native: Search, bench: Bench, x: Floats) -> Floats:
    """Return what numbers ``x`` (sets, gains, size) cost, (sets, gains)."""
    sets, count, size = x.shape
    values = native.values(x.reshape(-1, size))
    logs = len(bench.logs) // count
    each = {
        name: np.repeat(value.reshape(sets, count), logs, axis=1)
        for name, value in values.items()
    }
    errors = bench.errors(each).reshape(sets, count, logs).mean(axis=2)
    return weighed(errors.ravel(), x.reshape(-1, size), WIDE).reshape(sets, count)
