"""A normal distribution cut off at a box: exact draws, however little is inside.

Ninety values of which ten sit at their physical limit leave one draw in a thousand
inside. The way out is a path through the whitened space that bounces off the walls of
the box and arrives as a draw of the truncated normal distribution: exact Hamiltonian
Monte Carlo (Pakman, Paninski 2014, J. Comput. Graph. Stat. 23, arXiv 1208.4118).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import lsq_linear

from .distribution import Floats

ATTEMPTS = 8
"""Plain draws before paths take over; each is exact, they only save time."""

STARTS, WARM_UP = 64, 24
"""Draws that paths start from, and paths that make them from the mode."""

QUARTER = 0.5 * np.pi
"""Time of one path: without walls its end does not depend on its start."""

BOUNCES = 1000
"""A path that is reflected more often ends early, inside."""

RIDGE = 1e-9
"""Share of a value's variance that is its own, so that every matrix has an inverse."""

MARGIN = 1e-6
"""Distance of the first start from the walls, as a share of spread and box."""


class TruncatedNormal:
    """Normal distribution of (d,) values between ``low`` and ``high``, with draws.

    A value without spread, or whose bounds meet, stands at the mean, moved into the
    bounds.
    """

    def __init__(
        self, mean: Floats, covariance: Floats, low: Floats, high: Floats
    ) -> None:
        """Whiten the free values.

        Args:
            mean: before truncation, (d,).
            covariance: before truncation, (d, d), positive semi-definite.
            low: smallest values, (d,), may be infinite.
            high: largest values, (d,), not below ``low``.
        """
        self.fixed = np.clip(mean, low, high)
        self.low, self.high = low, high
        std = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        self.free = np.flatnonzero((std > 0) & (high - low > MARGIN * std))
        free = self.free
        self.mean, self.std = mean[free], std[free]
        unit = covariance[np.ix_(free, free)] / np.outer(self.std, self.std)
        values, vectors = np.linalg.eigh(unit + RIDGE * np.eye(len(free)))
        self.factor = vectors * np.sqrt(np.maximum(values, RIDGE))
        """Whitened to values in units of their spread."""
        ends = np.array([(b[free] - self.mean) / self.std for b in (low, high)])
        self.ends = ends
        finite = np.isfinite(ends)
        self.walls = np.concatenate([self.factor[finite[0]], -self.factor[finite[1]]])
        """Inward normals, (w, k); |normal| is about one."""
        self.gaps = np.concatenate([-ends[0][finite[0]], ends[1][finite[1]]])
        """Distance of the mean from each wall, negative outside."""
        self._starts: Floats | None = None

    def draw(self, rngs: Sequence[np.random.Generator]) -> Floats:
        """Draw (n, d) values, each row from its own generator alone."""
        drawn = np.tile(self.fixed, (len(rngs), 1))
        if len(self.free) and len(rngs):
            unit = self._white(rngs) @ self.factor.T
            drawn[:, self.free] = self.mean + self.std * unit
        return np.clip(drawn, self.low, self.high)

    def _white(self, rngs: Sequence[np.random.Generator]) -> Floats:
        """Draw whitened values, (n, k)."""
        size = len(self.free)
        found = np.empty((len(rngs), size))
        open_ = np.arange(len(rngs))
        for _ in range(ATTEMPTS):
            tried = np.array([rngs[i].standard_normal(size) for i in open_.tolist()])
            found[open_] = tried
            open_ = open_[~self._inside(tried)]
            if not len(open_):
                return found
        starts = self.starts
        at = [int(rngs[i].integers(len(starts))) for i in open_.tolist()]
        speed = np.array([rngs[i].standard_normal(size) for i in open_.tolist()])
        found[open_] = self._path(starts[at], speed)
        return found

    def _inside(self, white: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        inside = white @ self.walls.T + self.gaps >= 0
        return np.asarray(inside.all(axis=1))

    @property
    def starts(self) -> Floats:
        """Whitened draws that paths start from, (STARTS, k); always the same."""
        if self._starts is None:
            rng = np.random.default_rng(0)
            white = np.tile(self._mode(), (STARTS, 1))
            for _ in range(WARM_UP):
                white = self._path(white, rng.standard_normal(white.shape))
            self._starts = white
        return self._starts

    def _mode(self) -> Floats:
        """Return the likeliest whitened point in the box, moved off its walls."""
        back = np.linalg.inv(self.factor)
        low, high = self.ends
        inner = np.minimum(MARGIN, 0.25 * (high - low))
        bounds = (low + inner, high - inner)
        found = lsq_linear(back, np.zeros(len(back)), bounds)
        return np.asarray(back @ np.clip(found.x, *bounds))

    def _path(self, white: Floats, speed: Floats) -> Floats:
        """Follow paths from (n, k) points for a quarter period, off every wall."""
        white, speed = white.copy(), speed.copy()
        left = np.full(len(white), QUARTER)
        norm = np.einsum("ij,ij->i", self.walls, self.walls)
        going = np.arange(len(white))
        for _ in range(BOUNCES):
            now, then = white[going], speed[going]
            after, wall = self._next(now, then)
            step = np.minimum(after, left[going])
            cos, sin = np.cos(step)[:, None], np.sin(step)[:, None]
            white[going] = now * cos + then * sin
            then = then * cos - now * sin
            hit = after < left[going]
            normal = self.walls[wall]
            along = np.einsum("ij,ij->i", then, normal) / norm[wall]
            # What is not at a wall ends here, and its speed is of no more use.
            speed[going] = then - 2.0 * along[:, None] * normal
            left[going] -= step
            going = going[hit]
            if not len(going):
                break
        return white

    def _next(
        self, now: Floats, then: Floats
    ) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.intp]]]:
        """Return the time to the next wall, infinite without one, and the wall."""
        if not len(self.walls):
            return np.full(len(now), np.inf), np.zeros(len(now), np.intp)
        # Distance from a wall: radius cos(t + phase) + gap; it is left where falling.
        height, rate = now @ self.walls.T, then @ self.walls.T
        radius = np.hypot(height, rate)
        share = -self.gaps / np.maximum(radius, 1e-300)
        reached = np.abs(share) < 1.0
        until = np.arccos(np.where(reached, share, 0.0)) - np.arctan2(-rate, height)
        until = np.where(reached, until % (2.0 * np.pi), np.inf)
        wall = until.argmin(axis=1)
        return until[np.arange(len(now)), wall], wall
