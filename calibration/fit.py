"""Levenberg-Marquardt over rollouts, with priors, Huber weights and a sandwich."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats

from .rollout import Rollout
from .unknowns import Unknowns

ITERATIONS = 12
"""Most steps; a fit from a good start needs four or five."""

HUBER = 2.5
"""Residuals beyond this many robust deviations count linearly."""

ENOUGH = 1e-3
"""Stops once the cost falls by less than this part in a step."""

NARROWER = 0.7
"""Posterior over prior width from which on the logs have said nothing."""

FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Dampings tried in each step, over the last one that was best."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """What the logs say about the unknowns."""

    vector: Floats
    """Most likely unknowns, (size,)."""
    covariance: Floats
    """Covariance of the vector, (size, size)."""
    identified: Flags
    """Which unknowns the logs have narrowed down, (size,)."""
    cost: float
    """Half the weighted sum of squares, prior included."""
    iterations: int
    """Steps taken."""


@dataclass(frozen=True)
class _Linear:
    """The problem around one point: window residuals, slopes and weights."""

    residual: list[Floats]
    slope: list[Floats]
    weight: list[Floats]

    def hessian(self) -> Floats:
        parts = zip(self.slope, self.weight, strict=True)
        return np.asarray(sum(j.T @ (w[:, None] * j) for j, w in parts))

    def gradients(self) -> Floats:
        """Return the gradient of each window, (windows, free)."""
        parts = zip(self.residual, self.slope, self.weight, strict=True)
        return np.stack([j.T @ (w * r) for r, j, w in parts])


def fit(rollout: Rollout, unknowns: Unknowns, starts: list[Floats]) -> Fit:
    """Fit the unknowns to the windows of ``rollout``.

    Unknowns the logs do not narrow down go back to nominal, and the others are
    fitted once more with these held.

    Args:
        rollout: room for ``unknowns.size + 1`` parameter sets.
        unknowns: what is fitted.
        starts: vectors to choose the start from.
    """
    first = _fit(rollout, unknowns, starts, np.ones(unknowns.size, np.bool_))
    if first.identified.all():
        return first
    start = np.where(first.identified, first.vector, unknowns.center)
    again = _fit(rollout, unknowns, [start], first.identified)
    return Fit(
        again.vector,
        again.covariance,
        first.identified & again.identified,
        again.cost,
        first.iterations + again.iterations,
    )


def _fit(
    rollout: Rollout, unknowns: Unknowns, starts: list[Floats], free: Flags
) -> Fit:
    scale = _spread(_residuals(rollout, unknowns, [unknowns.center])[0])
    vector, cost = _best(rollout, unknowns, starts, scale)
    damping, steps = 1e-3, 0
    while steps < ITERATIONS:
        steps += 1
        here = _residuals(rollout, unknowns, [vector])[0]
        scale = _spread(here)
        cost = _cost(here, unknowns, vector, scale)
        linear = _linearize(rollout, unknowns, vector, scale, free)
        trials = [
            _step(linear, unknowns, vector, free, damping * factor)
            for factor in FACTORS
        ]
        best, lowest = _best(rollout, unknowns, trials, scale)
        if lowest >= cost:
            break
        index = next(i for i, t in enumerate(trials) if t is best)
        damping = float(np.clip(damping * FACTORS[index], 1e-5, 1e2))
        moved, gain, vector, cost = best - vector, cost - lowest, best, lowest
        if gain < ENOUGH * cost and np.abs(moved / unknowns.prior).max() < 0.05:
            break
    linear = _linearize(rollout, unknowns, vector, scale, free)
    covariance = _sandwich(linear, unknowns.prior, free)
    width = np.sqrt(np.diag(covariance))
    identified = free & (width < NARROWER * unknowns.prior)
    return Fit(vector, covariance, identified, cost, steps)


def _residuals(
    rollout: Rollout, unknowns: Unknowns, vectors: list[Floats]
) -> list[list[Floats]]:
    """Return residuals (3, samples, n) by vector and window."""
    sets: list[Mapping[str, Floats]] = [unknowns.values(v) for v in vectors]
    found = rollout.residuals(sets)
    return [[window[i] for window in found] for i in range(len(vectors))]


def _spread(residual: list[Floats]) -> Floats:
    """Return the scale of the errors, (3, n): one number, at least 1.

    A scale per signal would let the fit explain a signal away as noise.
    """
    size = np.median(np.abs(np.concatenate(residual, axis=1)), axis=1) / 0.6745
    common = np.exp(np.log(np.maximum(size, 1.0)).mean())
    return np.full(size.shape, common)


def _cost(
    residual: list[Floats], unknowns: Unknowns, vector: Floats, scale: Floats
) -> float:
    prior = (vector - unknowns.center) / unknowns.prior
    bound, total = HUBER * scale[:, None], 0.5 * float(prior @ prior)
    for rows in residual:
        size = np.abs(rows)
        inner = np.minimum(size, bound)
        total += float(((inner * (size - 0.5 * inner)) / scale[:, None] ** 2).sum())
    return total


def _best(
    rollout: Rollout, unknowns: Unknowns, vectors: list[Floats], scale: Floats
) -> tuple[Floats, float]:
    residuals = _residuals(rollout, unknowns, vectors)
    costs = [
        _cost(r, unknowns, v, scale) for r, v in zip(residuals, vectors, strict=True)
    ]
    index = int(np.argmin(costs))
    return vectors[index], costs[index]


def _linearize(
    rollout: Rollout, unknowns: Unknowns, vector: Floats, scale: Floats, free: Flags
) -> _Linear:
    # A step away from a bound stays inside it.
    sign = np.where(vector + unknowns.step > unknowns.high, -1.0, 1.0)
    steps = (sign * unknowns.step)[free]
    moved = np.repeat(vector[None], len(steps), axis=0)
    moved[np.arange(len(steps)), np.flatnonzero(free)] += steps
    found = rollout.residuals([unknowns.values(v) for v in (vector, *moved)])
    residual, slope, weight = [], [], []
    for window in found:
        rows = window / scale[:, None]
        here = rows[0].reshape(-1)
        residual.append(here)
        slope.append((rows[1:].reshape(len(steps), -1) - here).T / steps)
        weight.append(np.minimum(1.0, HUBER / np.maximum(np.abs(here), 1e-12)))
    return _Linear(residual, slope, weight)


def _step(
    linear: _Linear, unknowns: Unknowns, vector: Floats, free: Flags, damping: float
) -> Floats:
    precision = unknowns.prior[free] ** -2
    hessian = linear.hessian() + np.diag(precision)
    gradient = linear.gradients().sum(axis=0)
    gradient += precision * (vector - unknowns.center)[free]
    damped = hessian + damping * np.diag(np.diag(hessian))
    new = vector.copy()
    new[free] -= np.linalg.solve(damped, gradient)
    return np.asarray(np.clip(new, unknowns.low, unknowns.high))


def _sandwich(linear: _Linear, prior: Floats, free: Flags) -> Floats:
    """Return H^-1 (B + P) H^-1, B the scatter of the windows' gradients.

    Errors within a window hang together, so their number says little; how much the
    windows disagree does (Huber, 1967). The classical part is added because few
    windows span few directions. What is held keeps the width of its prior.
    """
    curvature, precision = linear.hessian(), np.diag(prior[free] ** -2)
    gradients = linear.gradients()
    count = len(gradients)
    scatter = gradients.T @ gradients * count / max(count - 1, 1)
    inverse = np.linalg.inv(curvature + precision)
    covariance = np.diag(prior**2)
    part = inverse @ (scatter + curvature + precision) @ inverse
    covariance[np.ix_(free, free)] = 0.5 * (part + part.T)
    return covariance
