"""The fit in stages: coarse, weights from what is left, fine, friction ladder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from forearm.core.log import Floats
from forearm.core.robot import RobotSpec

from .fit import ENOUGH, Fit, Fitter
from .rollout import LADDER, Rollout
from .unknowns import MOMENT, SERVO, Unknowns
from .windows import FLOOR, Parts, Window

COARSE = 8
"""Windows of the first look, which only has to find the neighbourhood."""

BEST = 0.005
"""A model explains at best all but this part of what nominal leaves open."""

WORTH = 0.97
"""A rung of the ladder must bring the gate's error below this part."""

NOISY = 1.25
"""Errors over sensor noise above which friction has something left to explain."""

ASIDE = np.array([0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.5, 3.5, 5.0]) * 1e-3
"""How far from a fit's delay others are tried, on both sides [s]: where a command
arrives just before a sample its torque changes within a physics step, and a fit can be
caught on the wrong side, with gains, load and tilt that make up for it."""

ALIKE = 1.35
"""Cost by which a delay must lose, times the scatter's inflation: less, and a 90 %
interval holds it."""

SEPARATE = 3.0
"""Standard deviations from which on a delay is not that of the fit."""

DELAY = "command_delay"
"""The unknown whose cost has several minima."""

BODY = ("payload_mass", MOMENT, "encoder_offset")
"""Fitted beside the servo; with torques also the base's tilt."""


@dataclass(frozen=True)
class Staged:
    """The last fit, with its unknowns, and what the ladder said."""

    unknowns: Unknowns
    """What was fitted."""
    found: Fit
    """The fit."""
    scales: list[Floats]
    """Scale of position, velocity and effort errors, (n,) each."""
    said: list[str]
    """What the friction ladder decided, in sentences."""


def fit_staged(
    robot: RobotSpec,
    parts: Parts,
    noise: list[Floats],
    guess: list[dict[str, Floats]],
    starts: list[dict[str, Floats]],
) -> Staged:
    """Fit the windows of ``parts``; the gate's windows choose the friction law.

    Args:
        robot: the arm.
        parts: the windows.
        noise: first idea of the sensor noise.
        guess: values by regression, one for each delay it cannot tell apart, if any.
        starts: further values to start from.
    """
    torque = bool(len(parts.fit[0].log.effort))
    names = (*SERVO, *BODY, *(("base_tilt",) if torque else ()))
    unknowns = Unknowns(robot, names)
    few = _thin(parts.fit, COARSE)
    scales = _scales(robot, few, noise, unknowns)
    coarse = Fitter(Rollout(robot, few, scales, Fitter.sets(unknowns)), unknowns)
    at = [unknowns.vector(v) for v in starts]
    first = _first(coarse, [unknowns.vector(v) for v in guess], at)
    scales = _scales(robot, few, _left(robot, coarse, first), unknowns)
    rollout = Rollout(robot, parts.fit, scales, Fitter.sets(unknowns))
    fitter = Fitter(rollout, unknowns)
    found, said = alone(fitter, fitter.fit([first.vector]))
    staged = Staged(unknowns, found, scales, said)
    return _climb(staged, parts, fitter.spread) if fitter.spread > NOISY else staged


def _first(coarse: Fitter, guess: list[Floats], starts: list[Floats]) -> Fit:
    """Return the first look from the better start: of regression, else of nominal."""
    starts = [coarse.unknowns.center, *starts]
    first = _settled(coarse, guess or starts)
    if not guess or coarse.spread < NOISY:
        return first
    # A regression that went astray can win at the start and creep from there.
    spread, kept = coarse.spread, first
    other = _settled(coarse, starts)
    if coarse.spread < spread:
        return other
    coarse.fit([kept.vector], slopes=1, again=False)
    return kept


def _settled(coarse: Fitter, starts: list[Floats]) -> Fit:
    """Fit, then once more from the best delay around: torques have needles in it."""
    first = coarse.fit(starts, slopes=1, again=False)
    vectors, costs = coarse.elsewhere(DELAY, np.append(-ASIDE, ASIDE))
    best = vectors[int(np.argmin(costs))]
    return coarse.fit([first.vector, best], slopes=2, again=False)


def alone(fitter: Fitter, found: Fit) -> tuple[Fit, list[str]]:
    """Return the fit at the best delay, and what is said of others as good.

    Where the logs cannot tell delays apart that lie far from each other, the covariance
    reaches to the farthest, with all that makes up for it.

    Args:
        fitter: what fitted last.
        found: its fit.
    """
    vectors, costs = fitter.elsewhere(DELAY, np.append(-ASIDE, ASIDE))
    if costs.min() < -ENOUGH:
        other = fitter.fit([found.vector, vectors[int(np.argmin(costs))]])
        vectors, costs = fitter.elsewhere(DELAY, np.append(-ASIDE, ASIDE))
        found = other
    place = fitter.unknowns.places[DELAY].start
    away = np.array([v[place] - found.vector[place] for v in vectors])
    width = float(np.sqrt(found.covariance[place, place]))
    alike = costs < ALIKE * found.inflation
    rivals = np.flatnonzero(alike & (np.abs(away) > SEPARATE * width))
    if not len(rivals):
        return found, []
    far = int(rivals[np.argmax(np.abs(away[rivals]))])
    move = vectors[far] - found.vector
    wide = found.covariance + np.outer(move, move)
    here = float(found.vector[place])
    return dataclasses.replace(found, covariance=wide), [
        f"a command delay of {1e3 * (here + away[far]):.2f} ms explains the logs as "
        f"well as {1e3 * here:.2f} ms: the intervals hold both; record states more "
        "often than commands are sent"
    ]


def _thin(windows: list[Window], most: int) -> list[Window]:
    places = np.linspace(0, len(windows) - 1, min(most, len(windows)))
    return [windows[i] for i in places.round().astype(int)]


def _scales(
    robot: RobotSpec, windows: list[Window], noise: list[Floats], unknowns: Unknowns
) -> list[Floats]:
    probe = Rollout(robot, windows, noise, 1)
    nominal = probe.residuals([unknowns.values(unknowns.center)])
    left = np.sqrt((np.concatenate([w[0] for w in nominal], axis=1) ** 2).mean(axis=1))
    return [n * np.hypot(1.0, BEST * rms) for n, rms in zip(noise, left, strict=True)]


def _left(robot: RobotSpec, fitter: Fitter, found: Fit) -> list[Floats]:
    """Return the sensor noise from what the fit leaves, free of the motion itself."""
    size = []
    for rows in fitter.errors(found.vector):
        change = np.diff(rows, n=4, axis=1)
        size.append(np.median(np.abs(change), axis=1) / 0.6745 / np.sqrt(70))
    noise = np.mean(size, axis=0)
    one = np.ones(robot.n)
    limits = (one, one, robot.vector("effort"))
    floors = [f * limit for f, limit in zip(FLOOR, limits, strict=True)]
    return [np.maximum(n, f) for n, f in zip(noise, floors, strict=True)]


def _climb(staged: Staged, parts: Parts, spread: float) -> Staged:
    """Add load-dependent, then Stribeck friction, each kept if the gate gains."""
    robot = staged.unknowns.robot
    judge = Rollout(robot, parts.gate, staged.scales, 1)
    best = _score(judge, staged.unknowns, staged.found.vector)
    said = [
        f"errors stay {spread:.1f} times above sensor noise with Coulomb and viscous "
        "friction"
    ]
    for rung in LADDER:
        unknowns = Unknowns(robot, (*staged.unknowns.names, rung))
        values = staged.unknowns.values(staged.found.vector)
        rollout = Rollout(
            robot, _thin(parts.fit, COARSE), staged.scales, Fitter.sets(unknowns)
        )
        fitter = Fitter(rollout, unknowns)
        found = fitter.fit([unknowns.vector(values)], slopes=2, again=False)
        score = _score(judge, unknowns, found.vector)
        name = rung.replace("_", "-")
        if score < WORTH * best:
            said.append(f"{name} is kept: held-out error falls to {score / best:.0%}")
            found, rivals = alone(fitter, found)
            said += rivals
            staged, best = Staged(unknowns, found, staged.scales, []), score
        else:
            said.append(
                f"{name} is left out: held-out error would be {score / best:.0%}"
            )
    return Staged(staged.unknowns, staged.found, staged.scales, [*staged.said, *said])


def _score(judge: Rollout, unknowns: Unknowns, vector: Floats) -> float:
    rows = judge.residuals([unknowns.values(vector)])
    return float(np.sqrt(np.mean([(r**2).mean() for r in rows])))
