"""What the logs cannot tell, in words."""

from __future__ import annotations

import numpy as np

from forearm.core.log import RunLog

from .fit import Fit
from .unknowns import Unknowns

TOGETHER = 0.98
"""Correlation above which two numbers are known in combination only."""


def unknown_words(unknowns: Unknowns, found: Fit) -> list[str]:
    """Return the unknowns that stay at their prior, and pairs seen only together."""
    titles = unknowns.titles()
    words = [titles[i] for i in np.flatnonzero(~found.identified)]
    width = np.sqrt(np.diag(found.covariance))
    relation = found.covariance / np.outer(width, width)
    # A pair known to a few percent each is no news.
    wide = found.identified & (width > 0.1 * unknowns.prior)
    for i, j in np.argwhere(np.triu(np.abs(relation), 1) > TOGETHER):
        if wide[i] and wide[j]:
            words.append(f"{titles[i]} and {titles[j]} apart from each other")
    return words


def said_of_delays(logs: list[RunLog]) -> list[str]:
    """Return whether the delay of commands could be told from that of sensors."""
    found = [log.meta.get("state_age") for log in logs]
    ages = [float(age) for age in found if isinstance(age, float)]
    if len(ages) == len(logs):
        mean = sum(ages) / len(ages)
        return [
            f"sensor delay {1e3 * mean:.2f} ms: joint states are received that long "
            "after their stamps, so the command delay is told apart from it"
        ]
    return [
        "command and sensor delay cannot be told apart from these logs: the command "
        "delay given runs from a command's stamp to the motion at the state's stamp"
    ]
