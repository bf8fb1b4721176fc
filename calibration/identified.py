"""What the logs cannot tell, in words."""

from __future__ import annotations

import numpy as np

from forearm.core.log import RunLog

from .fit import Fit
from .unknowns import MOMENT, Unknowns
from .verdict import listed

RICHER = "record a motion that moves these joints more (forearm excite)"
"""What helps where nothing special does."""

ADVICE = {
    "kp": "record faster changes of direction, or with a known load",
    "kv": "record faster changes of direction",
    "armature": "record faster changes of speed of these joints",
    "viscous": "record long sweeps at high speed",
    "coulomb": "record slow reversals",
    "load_friction": "record the same motion with a known load",
    "stribeck": "record slow starts and stops",
    "encoder_offset": "record joint torques at several poses, or measure it at a mark",
    "payload_mass": "record joint torques, or with the tool turned to the side",
    MOMENT: "record joint torques with the wrist turned through its range",
    "base_tilt": "record joint torques at several poses",
}
"""What to record so that a parameter shows."""

TOGETHER = 0.98
"""Correlation above which two numbers are known in combination only."""


def unknown_words(unknowns: Unknowns, found: Fit) -> list[str]:
    """Return in sentences what stays at its prior, and pairs seen only together."""
    titles = unknowns.titles()
    words: list[str] = []
    labels = [label.split("[")[0] for label in unknowns.labels()]
    missing = np.flatnonzero(~found.identified)
    for name in dict.fromkeys(labels[i] for i in missing):
        same = [titles[i] for i in missing if labels[i] == name]
        words.append(_stays(name, same))
    width = np.sqrt(np.diag(found.covariance))
    relation = found.covariance / np.outer(width, width)
    # A pair known to a few percent each is no news.
    wide = found.identified & (width > 0.1 * unknowns.prior)
    for i, j in np.argwhere(np.triu(np.abs(relation), 1) > TOGETHER):
        if wide[i] and wide[j]:
            what = "their sum" if relation[i, j] < 0 else "their difference"
            words.append(
                f"{titles[i]} and {titles[j]} cannot be told apart from these logs: "
                f"only {what} shows in the motion; {ADVICE.get(labels[j], RICHER)}"
            )
    return words


def _stays(name: str, titles: list[str]) -> str:
    """Return the sentence about one parameter of some joints."""
    whole, _, joint = titles[0].partition(" of ")
    rest = [t.partition(" of ")[2] for t in titles[1:]]
    if joint and all(rest):
        subject = f"{whole} of {listed([joint, *rest])}"
    else:
        subject = listed(titles)
    verb = "stay" if len(titles) > 1 else "stays"
    end = "guesses" if len(titles) > 1 else "a guess"
    return (
        f"{subject} {verb} {end} with the prior's width: the motion in these logs "
        f"hardly depends on it; {ADVICE.get(name, RICHER)}"
    )


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
