"""Levenberg-Marquardt over rollouts: unknowns shared, start states per window."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats

from .linearize import HUBER, Linear, linearize
from .rollout import Rollout
from .unknowns import Unknowns

SLOPES = 8
"""Most times the slopes are found; a fit from a good start needs two or three."""

CHORDS = 6
"""Most steps with the same slopes: they change little, and cost most of the time."""

ENOUGH = 0.5
"""Stops once fresh slopes would lower the cost by less than this: what one standard
deviation of one unknown costs. A part of the cost would be many of them."""

NARROWER = 0.7
"""Posterior over prior width from which on the logs have said nothing."""

FOLLOW = 2
"""Steps in which the others follow an unknown that is put elsewhere."""

FACTORS = (1e-3, 0.1, 1.0, 10.0, 1e2, 1e4)
"""Dampings tried in each step, over the last one that was best."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """What the logs say about the unknowns."""

    vector: Floats
    """Most likely unknowns, (size,)."""
    covariance: Floats
    """Covariance of the vector, (size, size), from curvature and scatter."""
    identified: Flags
    """Which unknowns the logs have narrowed down, (size,)."""
    cost: float
    """Half the weighted sum of squares, prior included."""
    inflation: float
    """Scatter of the windows over what sensor noise explains, at least 1."""


@dataclass(frozen=True)
class _Point:
    """Unknowns and start states, with their residuals and cost."""

    vector: Floats
    starts: Floats
    residual: list[Floats]
    cost: float


class Fitter:
    """Fits unknowns to the windows of one rollout."""

    def __init__(self, rollout: Rollout, unknowns: Unknowns) -> None:
        """Keep both; the rollout needs :meth:`sets` parameter sets."""
        self.rollout, self.unknowns = rollout, unknowns
        self.spread = 1.0
        """Size of the errors of the last fit, in sensor noise, at least 1."""
        self._prior = np.stack([w.spread for w in rollout.windows])
        self._starts: Floats | None = None
        self._last: tuple[_Point, Linear] | None = None

    @staticmethod
    def sets(unknowns: Unknowns) -> int:
        """Return how many parameter sets a rollout must have room for."""
        return max(unknowns.size + 1 + 2 * unknowns.robot.n, len(FACTORS))

    def fit(
        self, starts: list[Floats], slopes: int = SLOPES, *, again: bool = True
    ) -> Fit:
        """Return the best vector from the best of ``starts``.

        Args:
            starts: vectors to choose the start from.
            slopes: most times the slopes are found.
            again: put unknowns the logs do not narrow down back to nominal, and fit
                the others once more with these held.
        """
        free = np.ones(self.unknowns.size, np.bool_)
        first = self._fit(starts, free, slopes)
        if first.identified.all() or not again:
            return first
        start = np.where(first.identified, first.vector, self.unknowns.center)
        again_ = self._fit([start], first.identified, 2)
        known = first.identified & again_.identified
        return dataclasses.replace(again_, identified=known)

    def elsewhere(self, name: str, shifts: Floats) -> tuple[list[Floats], Floats]:
        """Return vectors and costs with ``name`` shifted from where the fit left it.

        All other unknowns follow by the slopes of the last fit, which does not see
        beyond a bend of the cost; these costs do.

        Args:
            name: block of one number, which is fitted.
            shifts: added to it, (k,).

        Returns:
            k vectors (size,) and their costs less the fit's, (k,).
        """
        assert self._last is not None
        (here, linear), scale = self._last, self.spread
        held = np.zeros(self.unknowns.size, np.bool_)
        held[self.unknowns.places[name]] = True
        moved = np.clip(
            here.vector + shifts[:, None] * held, self.unknowns.low, self.unknowns.high
        )
        points = self._evaluate([(v, here.starts) for v in moved], scale)
        for _ in range(FOLLOW):
            trials = []
            for p in points:
                gradient = linear.gradient(p.residual, p.vector, p.starts, scale)
                step, starts = linear.step(gradient, p.vector, 1e-6, held)
                trials.append((self.unknowns.moved(p.vector, step), p.starts + starts))
            later = self._evaluate(trials, scale)
            pairs = zip(points, later, strict=True)
            points = [min(pair, key=lambda p: p.cost) for pair in pairs]
        costs = np.array([p.cost for p in points])
        return [p.vector for p in points], costs - self._again(here, scale).cost

    def errors(self, vector: Floats) -> list[Floats]:
        """Return simulated minus measured in SI units, per window (3, samples, n)."""
        scale = np.stack(self.rollout.scales)[:, None]
        starts = self._starts[None] if self._starts is not None else None
        rows = self.rollout.residuals([self.unknowns.values(vector)], starts)
        return [r[0] * scale for r in rows]

    def _fit(self, starts: list[Floats], free: Flags, slopes: int) -> Fit:
        none = np.zeros_like(self._prior)
        here = [(v, none) for v in starts]
        scale = self._scale(self._evaluate(here[:1], 1.0)[0].residual)
        point = min(self._evaluate(here, scale), key=lambda p: p.cost)
        damping, last = 1e-3, 0.0
        for _ in range(slopes):
            scale = self._scale(point.residual)
            point = self._again(point, scale)
            linear = self._linear(point, scale, free)
            before = point.cost
            for _ in range(CHORDS):
                better, damping = self._improve(point, linear, damping, scale)
                if better is None:
                    break
                gain, point = point.cost - better.cost, better
                if gain < ENOUGH:
                    break
            # Fresh slopes gain as much less than these as these did than the last.
            gained = before - point.cost
            if gained**2 / max(gained, last, ENOUGH) < ENOUGH:
                return self._finish(point, linear, free)
            last = gained
        scale = self._scale(point.residual)
        return self._finish(point, self._linear(point, scale, free), free)

    def _finish(self, point: _Point, linear: Linear, free: Flags) -> Fit:
        self.spread = scale = self._scale(point.residual)
        self._starts = point.starts
        self._last = point, linear
        here = linear.gradient(point.residual, point.vector, point.starts, scale)
        covariance, inflation = linear.covariance(self.unknowns.prior, here)
        width = np.sqrt(np.diag(covariance))
        identified = free & (width < NARROWER * self.unknowns.prior)
        return Fit(point.vector, covariance, identified, point.cost, inflation)

    def _linear(self, point: _Point, scale: float, free: Flags) -> Linear:
        return linearize(
            self.rollout, self.unknowns, point.vector, point.starts, scale, free
        )

    def _scale(self, residual: list[Floats]) -> float:
        """Return the size of the errors: one number, at least 1.

        A scale per signal would let the fit explain a signal away as noise.
        """
        size = np.median(np.abs(np.concatenate(residual, axis=1)), axis=1) / 0.6745
        return float(np.exp(np.log(np.maximum(size, 1.0)).mean()))

    def _evaluate(self, at: list[tuple[Floats, Floats]], scale: float) -> list[_Point]:
        sets = [self.unknowns.values(v) for v, _ in at]
        found = self.rollout.residuals(sets, np.stack([s for _, s in at]))
        points = []
        for i, (vector, starts) in enumerate(at):
            residual = [window[i] for window in found]
            cost = self._cost(residual, vector, starts, scale)
            points.append(_Point(vector, starts, residual, cost))
        return points

    def _again(self, point: _Point, scale: float) -> _Point:
        cost = self._cost(point.residual, point.vector, point.starts, scale)
        return dataclasses.replace(point, cost=cost)

    def _cost(
        self, residual: list[Floats], vector: Floats, starts: Floats, scale: float
    ) -> float:
        prior = (vector - self.unknowns.center) / self.unknowns.prior
        total = 0.5 * float(prior @ prior)
        total += 0.5 * float(((starts / self._prior) ** 2).sum())
        for rows in residual:
            size = np.abs(rows) / scale
            inner = np.minimum(size, HUBER)
            total += float((inner * (size - 0.5 * inner)).sum())
        return total

    def _improve(
        self, point: _Point, linear: Linear, damping: float, scale: float
    ) -> tuple[_Point | None, float]:
        gradient = linear.gradient(point.residual, point.vector, point.starts, scale)
        trials = []
        dampings = [float(np.clip(damping * f, 1e-7, 1e4)) for f in FACTORS]
        for value in dampings:
            step, starts = linear.step(gradient, point.vector, value)
            moved = self.unknowns.moved(point.vector, step)
            trials.append((moved, point.starts + starts))
        points = self._evaluate(trials, scale)
        index = min(range(len(points)), key=lambda i: points[i].cost)
        if points[index].cost >= point.cost:
            return None, 10.0 * damping
        return points[index], dampings[index]
