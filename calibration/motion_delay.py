"""Command-to-motion delay, from a log alone: a servo's law fitted at every delay.

Cross-correlation of command and position would give the servo's own lag as well, which
the simulator has in its gains already. Here each joint obeys

    qd(t + h) = p qd(t) + g (u - q(t)) - c sign(qd(t)) + e

with u the command held on average over [t - d, t + h - d]: a position servo on an
inertia with viscous and Coulomb friction and a steady load, over one sample h. For
every delay d on a grid p, g, c, e follow from least squares, joint by joint; the delay
with the least residual, refined by a parabola, is that of the log. With the joints' law
kept, every few seconds give a delay of their own: its distribution.

That shows because each held command begins with a step. A controller that is on its
way to each command until the next one hides it: a command that moves then explains
more, and a delay cannot be told from softer gains. `forearm calibrate`, which knows the
arm's masses, has to say it then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.params import Params
from forearm.core.statistics import Z_95

from .smooth import local_slope

STEP = 0.004
"""Shortest time over which the law is taken [s]; less is noise in the velocity."""

GRID: Floats = np.arange(0.0, 0.2001, 0.002)
"""Delays tried [s]."""

SEGMENT = 2.0
"""Length of a part of the log that gets a delay of its own [s]."""

MOVING = 0.02
"""Joint speed that counts as motion [rad/s]."""

FEWEST = 50
"""Fewest moving samples of a joint, in the log and in a part of it."""


@dataclass(frozen=True)
class MotionDelay:
    """What a log says about its command-to-motion delay."""

    delay: float
    """Of the whole log: from a command's stamp until the servo acts on it [s]."""
    segments: Floats
    """Of every part of the log with enough motion [s], (k,)."""
    explained: float
    """Part of the change of velocity that the law explains, mean of the joints."""
    calibrated: bool = False
    """Whether it comes from a calibration, not from the law."""

    def quantile(self, q: float) -> float:
        """Return a quantile [s] over the parts of the log; the whole's without any."""
        parts = self.segments if len(self.segments) else np.array([self.delay])
        return float(np.quantile(parts, q))


def motion_delay(log: RunLog) -> MotionDelay:
    """Estimate the delay from a command's stamp to the motion at a state's stamp.

    Raises:
        ForearmError: the log holds no commands, no joint moves by them, or the
            controller interpolates them.
    """
    held, moved = (_estimate(_Samples(log, way)) for way in (False, True))
    if moved.explained > held.explained:
        raise ForearmError(
            f"{log.meta.get('source', 'log')}: the controller interpolates between "
            "commands, which hides when one takes effect; calibrate the arm "
            "(forearm calibrate) and give the result as --params"
        )
    return held


def calibrated_delay(params: Params) -> MotionDelay:
    """Return what a calibration found.

    Raises:
        ForearmError: the params hold no command delay.
    """
    content = params.params.get("command_delay")
    if content is None:
        raise ForearmError(
            "the params hold no command_delay; forearm calibrate finds it from a log "
            "with commands"
        )
    delay, std = content.value[0], (content.std or [0.0])[0]
    parts = np.maximum(delay + std * np.linspace(-Z_95, Z_95, 21), 0.0)
    return MotionDelay(delay, parts, 0.0, calibrated=True)


def _estimate(samples: _Samples) -> MotionDelay:
    weight = samples.total.sum(axis=0)
    fitted = np.stack([samples.residuals(d, samples.law(d)) for d in GRID])
    best = _lowest((fitted.sum(axis=1) / weight).sum(axis=1))
    law = samples.law(best)
    kept = np.stack([samples.residuals(d, law) for d in GRID]) / weight
    parts = [_lowest(kept[:, rows].sum(axis=(1, 2))) for rows in samples.segments()]
    left = samples.residuals(best, law).sum(axis=0) / weight
    return MotionDelay(best, np.array(parts), float(1 - left.mean()))


class _Samples:
    """Both sides of the law at every sample with commands, (w, n)."""

    def __init__(self, log: RunLog, moved: bool) -> None:
        name = log.meta.get("source", "log")
        time, velocity = log.time, log.velocity
        if len(log.command_time) < 2 or len(time) < FEWEST:
            raise ForearmError(
                f"{name} holds {len(time)} joint states and {len(log.command_time)} "
                "commands: too few to see a delay"
            )
        if not len(velocity):
            _, velocity = local_slope(time, log.position, 3)
        ahead = max(1, round(STEP / float(np.median(np.diff(time)))))
        rows = np.arange(len(time) - ahead)
        span = time[rows + ahead] - time[rows]
        sent = log.command_time
        rows = rows[
            (time[rows] >= sent[0] + GRID[-1])
            & (time[rows] <= sent[-1])
            & (span < 2 * np.median(span))
        ]
        moving = np.abs(velocity[rows]) > MOVING
        joints = np.flatnonzero(moving.sum(axis=0) >= FEWEST)
        if not len(joints):
            raise ForearmError(
                f"{name}: no joint moves faster than {MOVING} rad/s while commands "
                "come in, so no delay can be seen"
            )
        self.begin, self.end = time[rows], time[rows + ahead]
        self.moving = moving[:, joints]
        self._after = velocity[rows + ahead][:, joints]
        self._velocity = velocity[rows][:, joints]
        self._position = log.position[rows][:, joints]
        period = float(np.median(np.diff(sent)))
        self._sent, self._command = sent, log.command[:, joints]
        before = self._command[:1] if moved else self._command
        self._from = np.concatenate([before, self._command[:-1]]) if moved else before
        self._rate = (self._command - self._from) / period
        self._period = period
        ends = self._part(np.arange(len(sent) - 1), np.diff(sent))
        self._whole = np.concatenate([0 * self._command[:1], ends.cumsum(axis=0)])
        self._friction = np.sign(self._velocity) * self.moving

    @property
    def total(self) -> Floats:
        """Squared change of velocity, (w, n)."""
        change = self._after - self._velocity
        return np.where(self.moving, change**2, 0.0) + 1e-12

    def _part(self, place: NDArray[np.intp], passed: Floats) -> Floats:
        """Return the integral of what was asked since command ``place``, (k, n)."""
        way = np.minimum(passed, self._period)[:, None]
        rest = np.maximum(passed - self._period, 0.0)[:, None]
        begin, rate = self._from[place], self._rate[place]
        part: Floats = begin * way + 0.5 * rate * way**2 + rest * self._command[place]
        return part

    def _asked(self, at: Floats) -> Floats:
        """Return the integral of what was asked from its start to ``at``, (w, n)."""
        place = np.searchsorted(self._sent, at, "right") - 1
        return self._whole[place] + self._part(place, at - self._sent[place])

    def _design(self, delay: float) -> Floats:
        asked = self._asked(self.end - delay) - self._asked(self.begin - delay)
        error = asked / (self.end - self.begin)[:, None] - self._position
        one = np.ones_like(error)
        return np.stack([error, self._velocity, self._friction, one], axis=-1)

    def law(self, delay: float) -> Floats:
        """Return the law's coefficients by joint at a delay [s], (n, 4)."""
        design = self._design(delay)
        rows = [self.moving[:, j] for j in range(design.shape[1])]
        return np.stack(
            [
                np.linalg.lstsq(design[r, j], self._after[r, j], rcond=None)[0]
                for j, r in enumerate(rows)
            ]
        )

    def residuals(self, delay: float, law: Floats) -> Floats:
        """Return what a law leaves of the squared velocity, (w, n)."""
        left = self._after - np.einsum("wnk,nk->wn", self._design(delay), law)
        return np.where(self.moving, left**2, 0.0)

    def segments(self) -> list[NDArray[np.intp]]:
        """Return the rows of every part of the log with enough motion."""
        number = ((self.begin - self.begin[0]) / SEGMENT).astype(int)
        parts = [np.flatnonzero(number == k) for k in range(number[-1] + 1)]
        return [r for r in parts if (self.moving[r].sum(axis=0) >= FEWEST).any()]


def _lowest(cost: Floats) -> float:
    """Return where a cost over the grid is least, between its points by a parabola."""
    k = int(np.argmin(cost))
    if not 0 < k < len(cost) - 1:
        return float(GRID[k])
    left, middle, right = cost[k - 1 : k + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(GRID[k] + shift * (GRID[1] - GRID[0]))
