"""Do the intervals keep their word: refits of logs that were not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import RunLog
from forearm.core.robot import RobotSpec

from .effort import calibrate_effort, intervals
from .effort_model import start_of
from .linear import fit
from .motion import motion_of
from .natural import labels, natural


def leave_one_out(
    logs: Sequence[RunLog], robot: RobotSpec
) -> tuple[dict[str, float], int, int]:
    """Fit to some logs and see whether their intervals hold the refit of another.

    Args:
        logs: logs of one arm, at least two.
        robot: the arm.

    Returns:
        Share of values inside, trained on one log and on all but one, overall and by
        parameter; how many pairs and how many values were compared.
    """
    hits: dict[str, list[bool]] = {}
    pairs = 0
    for i, unseen in enumerate(logs):
        others = [log for k, log in enumerate(logs) if k != i]
        groups = [("from one log", [log]) for log in others]
        groups += [("from all others", others)] if len(others) > 1 else []
        for kind, train in groups:
            pairs += 1
            for name, inside in _inside(train, unseen, robot).items():
                hits.setdefault(kind, []).append(inside)
                hits.setdefault(name.split("[")[0], []).append(inside)
    count = sum(len(hits[k]) for k in ("from one log", "from all others") if k in hits)
    return {name: float(np.mean(row)) for name, row in hits.items()}, pairs, count


def _inside(
    train: Sequence[RunLog], unseen: RunLog, robot: RobotSpec
) -> dict[str, bool]:
    result = calibrate_effort(train, robot, [unseen])
    low, high, known = intervals(result)
    motion = motion_of(unseen, result.chain, result.choice.half)
    setup = result.choice.setup
    again = natural(fit(setup, [motion], start_of(setup)))
    return {
        name: bool(low[k] <= again[k] <= high[k])
        for k, name in enumerate(labels(result.fitted))
        if known[k]
    }
