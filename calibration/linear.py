"""Fit drive gains, friction and consistent link inertials to joint effort.

The effort of joint j is ``(Y_j inertials) / gain_j + terms_j``, in the effort's own
unit. Everything but the inertials' coordinates and the gains is linear, and all data
enter through small Gram matrices, so an iteration takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.inertia import slopes
from forearm.core.log import Floats

from .effort_model import Model, Setup, carried
from .gram import Gram, effective, gram_of, misfit, total, weights
from .motion import Flags, Motion

STEPS = 25
"""Most Gauss-Newton steps."""

ROUNDS = 3
"""Times weights and load columns are renewed."""

ENOUGH = 0.01
"""Stops once a step gains less log-likelihood than this."""


def local(setup: Setup, gram: Gram, vector: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Gauss-Newton Hessian without the prior."""
    n, model = setup.n, Model(setup, vector)
    values, slope, gain = effective(model), slopes(setup.lower, model.theta), model.gain
    gradient, hessian = np.zeros(setup.size), np.zeros((setup.size,) * 2)
    for j, value in enumerate(values):
        links, place = 10 * (n - j), setup.place(j)
        terms = np.arange(place.start, place.stop)
        at = np.concatenate([np.arange(10 * j, 10 * n), [10 * n + j], terms])
        turn = np.zeros((len(value), len(at)))
        for i in range(j, n):
            part = slice(10 * (i - j), 10 * (i - j + 1))
            turn[part, part] = slope[i] / gain[j]
        turn[:links, links] = -value[:links]
        turn[links:, links + 1 :] = np.eye(len(terms))
        pull = gram.moment[j] - gram.matrix[j] @ value
        gradient[at] -= turn.T @ pull
        hessian[np.ix_(at, at)] += turn.T @ gram.matrix[j] @ turn
    return gradient, hessian


def solve(setup: Setup, gram: Gram, start: Floats, steps: int = STEPS) -> Floats:
    """Return the most likely vector: Gauss-Newton with a projected active set."""
    prior, positive = setup.prior(), setup.positive()
    center = setup.center

    def cost(at: Floats) -> float:
        move = at - center
        fit = float(misfit(Model(setup, at), gram).sum())
        return 0.5 * (fit + float(move @ (prior * move)))

    vector, value = start.copy(), cost(start)
    for _ in range(steps):
        gradient, hessian = local(setup, gram, vector)
        gradient = gradient + prior * (vector - center)
        step = _bounded(hessian + np.diag(prior), gradient, vector, positive)
        size, new = 1.0, cost(vector + step)
        while size > 1e-2 and not new < value:
            size /= 2
            new = cost(vector + size * step)
        if not new < value:
            break
        vector, gained, value = vector + size * step, value - new, new
        if gained < ENOUGH:
            break
    return vector


def _bounded(
    hessian: Floats, gradient: Floats, vector: Floats, positive: Flags
) -> Floats:
    """Return the Newton step that keeps what must be positive so."""
    free = np.ones(len(vector), np.bool_)
    step = np.zeros(len(vector))
    for _ in range(10):
        fixed = ~free
        step[fixed] = -vector[fixed]
        rest = gradient[free] + hessian[np.ix_(free, fixed)] @ step[fixed]
        step[free] = -np.linalg.solve(hessian[np.ix_(free, free)], rest)
        below = free & positive & (vector + step < 0)
        if not below.any():
            break
        free &= ~below
    return step


def fit(
    setup: Setup, motions: Sequence[Motion], start: Model, rounds: int = ROUNDS
) -> Model:
    """Fit to logs, renewing robust weights and load columns."""
    model = carried(start, setup)
    for _ in range(rounds):
        heavy, _ = weights(motions, model)
        pairs = zip(motions, heavy, strict=True)
        gram = total([gram_of(m, model, w) for m, w in pairs])
        model = Model(setup, solve(setup, gram, model.vector))
    return model
