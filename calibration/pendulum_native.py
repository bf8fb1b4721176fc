"""The plain MuJoCo servo nearest to the fitted one, for logged and unlogged gains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec

from .pendulum import Bench, bench_header
from .pendulum_search import SHARED, Search

NATIVE = (*SHARED, "effort")
"""What plain MuJoCo has fields for; ``effort`` is the actuator's forcerange.

Friction that grows with load takes most where the servo pulls hardest, which a limit
does too. Leaving out one trajectory after the other at both gains of the logs this was
made with, the mean error over those left out falls from 81 to 77 mrad with the limit
and to 71 mrad with logs that count alike; to the predictions between the gains it falls
from 42 to 41 mrad.
"""

BETWEEN = 2
"""Gains between the lowest and the highest logged that the fitted law stands in for."""


def project(
    robot: RobotSpec, logs: Sequence[RunLog], search: Search, best: Floats
) -> tuple[Search, Floats]:
    """Fit Coulomb and viscous friction and a torque limit to logs and predictions.

    A wrong model fits the logged gains at the cost of those between them, so the
    motion the fitted law expects between them counts beside the logs.

    Args:
        robot: the one-joint robot.
        logs: the logs the law was fitted to.
        search: the fitted law.
        best: its numbers.

    Returns:
        The native law and its numbers.
    """
    gains = [bench_header(log)["kp"] for log in logs]
    between = np.geomspace(min(gains), max(gains), BETWEEN + 2)[1:-1].tolist()
    lowest = [log for log, gain in zip(logs, gains, strict=True) if gain == min(gains)]
    if max(gains) == min(gains):
        between = []
    asked = [(log, float(gain)) for log in lowest for gain in between]
    target = [log.position[:, 0] for log in logs]
    if asked:
        wide = Bench([log for log, _ in asked], [gain for _, gain in asked])
        rows = wide.at_samples(wide.run(search.values(best[None])))
        target = [row[0] for row in rows] + target
    bench = Bench([*(log for log, _ in asked), *logs], [*(g for _, g in asked), *gains])
    bench.aim(target)
    native = Search(robot, NATIVE)
    return native, native.fit(bench, alike=True)[0]
