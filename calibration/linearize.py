"""The fit around one point: slopes by finite differences, start states eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats

from .rollout import Rollout
from .unknowns import Unknowns

HUBER = 3.0
"""Residuals beyond this many robust deviations count linearly."""

START_STEP = 0.3
"""Finite-difference step of a start state, in its own spread."""


@dataclass(frozen=True)
class _Window:
    """Slopes of one window: by unknowns (rows, free), by start state (rows, 2 n)."""

    unknown: Floats
    start: Floats


@dataclass(frozen=True)
class Gradient:
    """Gradient of the cost: of each window (windows, free), its starts, the prior."""

    unknown: Floats
    start: Floats
    prior: Floats


class Linear:
    """Curvature of the cost, with each window's start state solved for."""

    def __init__(
        self,
        windows: list[_Window],
        residual: list[Floats],
        unknowns: Unknowns,
        spread: Floats,
        scale: float,
        free: NDArray[np.bool_],
    ) -> None:
        """Build the normal equations; use :func:`linearize`."""
        self._windows, self._unknowns, self._free = windows, unknowns, free
        self._spread = spread
        self._weights = [_weight(r, scale) for r in residual]
        size = int(free.sum())
        self._own, self._inverse, self._cross = np.zeros((size, size)), [], []
        self._schur = np.zeros((size, size))
        for window, weight, wide in zip(windows, self._weights, spread, strict=True):
            heavy = weight[:, None] * window.unknown
            own = window.unknown.T @ heavy
            cross = window.start.T @ heavy
            start = window.start.T @ (weight[:, None] * window.start)
            inverse = np.linalg.inv(start + np.diag(wide**-2))
            self._own += own
            self._schur += own - cross.T @ inverse @ cross
            self._inverse.append(inverse)
            self._cross.append(cross)

    def gradient(
        self, residual: list[Floats], vector: Floats, starts: Floats, scale: float
    ) -> Gradient:
        """Return the gradient for new residuals with the slopes of this point."""
        rows = [r.reshape(-1) / scale for r in residual]
        pulled = [_weight(r, scale) * x for r, x in zip(residual, rows, strict=True)]
        pairs = list(zip(self._windows, pulled, strict=True))
        prior = (vector - self._unknowns.center) / self._unknowns.prior**2
        return Gradient(
            np.stack([w.unknown.T @ p for w, p in pairs]),
            np.stack([w.start.T @ p for w, p in pairs]) + starts / self._spread**2,
            prior[self._free],
        )

    def effective(self, gradient: Gradient) -> Floats:
        """Return each window's pull on the unknowns, start state solved for."""
        parts = zip(
            gradient.unknown, gradient.start, self._cross, self._inverse, strict=True
        )
        return np.stack([u - c.T @ i @ s for u, s, c, i in parts])

    def step(
        self,
        gradient: Gradient,
        vector: Floats,
        damping: float,
        held: NDArray[np.bool_] | None = None,
    ) -> tuple[Floats, Floats]:
        """Return the damped step of the unknowns (size,) and starts (windows, 2 n).

        Unknowns flagged in ``held`` (size,) stay where they are.
        """
        free, unknowns = self._free, self._unknowns
        precision = unknowns.prior[free] ** -2
        pull = self.effective(gradient).sum(axis=0) + gradient.prior
        matrix = self._schur + np.diag(precision)
        matrix += damping * np.diag(np.diag(self._own) + precision)
        low, high = (unknowns.low - vector)[free], (unknowns.high - vector)[free]
        move, open_ = np.zeros(len(pull)), np.ones(len(pull), np.bool_)
        if held is not None:
            open_ = ~held[free]
        # What would leave its bounds is put on them and the rest solved again.
        for _ in range(4):
            held = matrix[np.ix_(open_, ~open_)] @ move[~open_]
            part = np.linalg.solve(matrix[np.ix_(open_, open_)], -pull[open_] - held)
            move[open_] = np.clip(part, low[open_], high[open_])
            left = open_.copy()
            left[open_] = part == move[open_]
            if (left == open_).all() or not left.any():
                break
            open_ = left
        step = np.zeros(unknowns.size)
        step[free] = move
        starts = [
            -i @ (s + c @ move)
            for i, s, c in zip(self._inverse, gradient.start, self._cross, strict=True)
        ]
        return step, np.stack(starts)

    def covariance(self, prior: Floats, here: Gradient) -> tuple[Floats, float]:
        """Return the covariance of the vector and the inflation by window scatter.

        Errors within a window hang together, so their number says little; how much
        the windows disagree does (the sandwich of Huber, 1967). Fewer windows than
        unknowns cannot fill a matrix, so the scatter enters as one factor on the
        curvature's covariance, averaged over all directions, and once as it is.

        Args:
            prior: standard deviations before any log, (size,).
            here: the gradient where the fit ended.
        """
        size = int(self._free.sum())
        curvature = self._schur + np.diag(prior[self._free] ** -2)
        inverse = np.linalg.inv(curvature)
        pulls = self.effective(here)
        count = len(pulls)
        pulls = pulls - pulls.mean(axis=0)
        scatter = pulls.T @ pulls * count / max(count - 1, 1)
        informed = float(np.trace(inverse @ self._schur))
        inflation = max(1.0, float(np.trace(inverse @ scatter)) / max(informed, 1.0))
        part = 0.5 * (inflation * inverse + inverse @ scatter @ inverse + inverse)
        covariance = np.diag(prior**2)
        covariance[np.ix_(self._free, self._free)] = 0.5 * (part + part.T)
        # Nothing is known worse than before the logs.
        width = np.sqrt(np.diag(covariance))
        shrink = np.minimum(1.0, prior / width)
        return covariance * np.outer(shrink, shrink), inflation if size else 1.0


def _weight(residual: Floats, scale: float) -> Floats:
    size = np.abs(residual.reshape(-1)) / scale
    return np.asarray(np.minimum(1.0, HUBER / np.maximum(size, 1e-12)))


def linearize(
    rollout: Rollout,
    unknowns: Unknowns,
    vector: Floats,
    starts: Floats,
    scale: float,
    free: NDArray[np.bool_],
) -> Linear:
    """Return the problem around ``vector``: one batch of finite differences."""
    # A step away from a bound stays inside it.
    sign = np.where(vector + unknowns.step > unknowns.high, -1.0, 1.0)
    steps = (sign * unknowns.step)[free]
    size, n2 = len(steps), starts.shape[1]
    vectors = np.repeat(vector[None], 1 + size + n2, axis=0)
    vectors[1 + np.arange(size), np.flatnonzero(free)] += steps
    spread = np.stack([w.spread for w in rollout.windows])
    begin = np.repeat(starts[None], 1 + size + n2, axis=0)
    for k in range(n2):
        begin[1 + size + k, :, k] += START_STEP * spread[:, k]
    found = rollout.residuals([unknowns.values(v) for v in vectors], begin)
    windows, residual = [], []
    for rows, wide in zip(found, spread, strict=True):
        flat = rows.reshape(len(rows), -1)
        change = (flat[1:] - flat[0]) / scale
        unknown = (change[:size] / steps[:, None]).T
        start = (change[size:] / (START_STEP * wide)[:, None]).T
        windows.append(_Window(unknown, start))
        residual.append(rows[0])
    return Linear(windows, residual, unknowns, spread, scale, free)
