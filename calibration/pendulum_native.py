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
from .pendulum_search import POPULATION, SEED, SHARED, Search, weighed

NATIVE = (*SHARED, "effort")
"""What plain MuJoCo has fields for; ``effort`` is the actuator's forcerange.

Friction that grows with load takes most where the servo pulls hardest, which a limit
does too. A law that is wrong holds for one gain at a time, and what it lacks the fitted
law knows: leaving out one trajectory after the other at both gains of the logs this was
made with, the mean error over those left out is 71 mrad with one set of numbers for
all gains, fitted to logs and predictions, 85 mrad with a set per gain fitted to its
logs, and 62 mrad with a set per gain fitted to the motion that the full law predicts.
"""

GENERATIONS = 80
"""Effort of the search; half of it leaves 1 mrad more on those left out."""

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
    return NativeServo(native, gains, _evolved(native, bench, len(asked), count))


def _evolved(native: Search, bench: Bench, asked: int, count: int) -> Floats:
    """Search the numbers of every gain, all gains in one simulation, (count, size).

    The geometric mean over logs counts: one that the law cannot explain matters no
    more than others.
    """
    searches = [
        Evolution(len(native.names), POPULATION, np.random.default_rng(SEED))
        for _ in range(count)
    ]
    for _ in range(GENERATIONS):
        members = [search.ask() for search in searches]
        columns = [native.values(x) for x in members]
        values = {
            name: np.repeat(np.hstack([c[name] for c in columns]), asked, axis=1)
            for name in columns[0]
        }
        errors = np.log(np.maximum(bench.errors(values), 1e-9))
        for k, (search, x) in enumerate(zip(searches, members, strict=True)):
            alike = np.exp(errors[:, k * asked : (k + 1) * asked].mean(axis=1))
            search.tell(weighed(alike, x))
    return np.array([search.mean for search in searches])
