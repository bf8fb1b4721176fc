"""The summary of a calibration: a grade and a few sentences for a stranger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forearm.core.params import Params

BETTER = 0.98
"""An error above this part of the nominal one is no gain."""

NEAR = 1.5
"""An error below this many times the sensor noise cannot be told from it."""

INSIDE = 0.9
"""Part of the held-out samples that should lie inside what is predicted."""

KEPT = "keeps nominal values"
"""What a finding about a joint that the gate has put back says."""


@dataclass(frozen=True)
class Verdict:
    """How far a calibration may be trusted, in words."""

    grade: str
    """``good``, ``care`` or ``bad``."""
    sentence: str
    """What to do with the params, and why."""


def judge(
    before: float,
    after: float,
    floor: float,
    inside: Mapping[str, float],
    findings: list[str],
) -> Verdict:
    """Return the verdict of one calibration.

    Args:
        before: held-out error of the nominal arm.
        after: the same of the calibrated arm.
        floor: the same of sensor noise alone, zero where it is not known.
        inside: part of the held-out samples inside the prediction, by joint.
        findings: what the fit decided, in sentences.
    """
    if after > BETTER * before and before < NEAR * floor:
        return Verdict(
            "good",
            "Verdict: use it. The nominal values already predict as well as the "
            "sensors can tell, and the fit says how sure they are.",
        )
    if after > BETTER * before:
        return Verdict(
            "bad",
            "Verdict: keep the nominal values. The fit does not predict motion it has "
            "not seen better than they do; record a richer motion (forearm excite).",
        )
    kept = [s.split(KEPT)[0].strip() for s in findings if KEPT in s]
    outside = [joint for joint, part in inside.items() if part < INSIDE]
    reasons = []
    if kept:
        reasons.append(f"{listed(kept)} {'keep' if len(kept) > 1 else 'keeps'} nominal")
    if outside:
        reasons.append(f"{listed(outside)} moves outside the predicted range")
    if reasons:
        return Verdict(
            "care",
            f"Verdict: use it with care, since {' and '.join(reasons)}; let training "
            "vary these joints more than the intervals say.",
        )
    return Verdict("good", "Verdict: use it.")


def listed(names: list[str], most: int = 4) -> str:
    """Return names as ``a, b and c``, the rest counted."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def known_sentence(params: Params, inside: Mapping[str, float]) -> str:
    """Return how many numbers are fitted, and how far the logs lie in the range."""
    origins = [
        o
        for p in params.params.values()
        for o in (
            [p.provenance] * len(p.value)
            if isinstance(p.provenance, str)
            else p.provenance
        )
    ]
    fitted = sum(o == "measured" for o in origins)
    text = f"{fitted} of {len(origins)} numbers are fitted"
    rest = len(origins) - fitted
    if rest:
        text += f", {rest} stay guesses as wide as they were before"
    if inside:
        worst = min(inside, key=lambda joint: inside[joint])
        mean = sum(inside.values()) / len(inside)
        text += (
            f"; {mean:.0%} of the held-out samples lie inside the range that the "
            f"fitted intervals predict (least: {worst}, {inside[worst]:.0%})"
        )
    return f"{text}."


def times(before: float, after: float) -> str:
    """Return how much smaller the second error is, in words."""
    if after <= 0 or before / after < 1.02:
        return "no less"
    ratio = before / after
    return f"{ratio:.0f} times less" if ratio >= 3 else f"{1 - 1 / ratio:.0%} less"
