"""Do the intervals keep their word: refits of logs that were not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import RunLog
from forearm.core.robot import RobotSpec

from .effort import EffortResult, calibrate_effort, intervals
from .effort_model import start_of
from .linear import fit
from .motion import Motion
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
    index = range(len(logs))
    groups = [("from one log", [i]) for i in index]
    if len(logs) > 2:
        groups += [("from all others", [k for k in index if k != i]) for i in index]
    for kind, train in groups:
        unseen = [logs[k] for k in index if k not in train]
        result = calibrate_effort([logs[k] for k in train], robot, unseen)
        for motion in result.held:
            pairs += 1
            for name, inside in _inside(result, motion).items():
                hits.setdefault(kind, []).append(inside)
                hits.setdefault(name.split("[")[0], []).append(inside)
    count = sum(len(hits[k]) for k in ("from one log", "from all others") if k in hits)
    return {name: float(np.mean(row)) for name, row in hits.items()}, pairs, count


def _inside(result: EffortResult, motion: Motion) -> dict[str, bool]:
    """Return by value whether the refit of a log lies in the interval."""
    low, high, known = intervals(result)
    setup = result.choice.setup
    again = natural(fit(setup, [motion], start_of(setup)))
    return {
        name: bool(low[k] <= again[k] <= high[k])
        for k, name in enumerate(labels(result.fitted))
        if known[k]
    }
