"""Windows: short stretches of logs with start states, to be simulated one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog

LENGTH = 0.5
"""Length of a window [s]: long enough for a servo to show its delay and damping."""

RATE = 100.0
"""Samples kept per second of a window; a faster log adds no information."""

SMOOTH = 0.012
"""Half width of the fit that gives the start state [s]."""

MOVING = 0.02
"""Joint speed above which an arm counts as moving [rad/s]."""

FLOOR = (2e-4, 5e-3, 0.005)
"""Least scale of position [rad], velocity [rad/s], effort [part of the limit]."""


@dataclass(frozen=True)
class Window:
    """One stretch of a log; arrays have a row per sample and a column per joint."""

    log: RunLog
    """The whole log: commands from before the window are still under way."""
    start: float
    """Stamp of the start state [s]."""
    position: Floats
    """Smoothed start position [rad], (n,)."""
    velocity: Floats
    """Smoothed start velocity [rad/s], (n,)."""
    rows: slice
    """Rows of the log that are compared."""

    @property
    def time(self) -> Floats:
        """Times of the compared samples since the start [s]."""
        return np.asarray(self.log.time[self.rows] - self.start)


def error_scales(effort_limit: Floats) -> list[Floats]:
    """Return the scale of position, velocity and effort errors, (n,) each."""
    one = np.ones_like(effort_limit)
    return [FLOOR[0] * one, FLOOR[1] * one, FLOOR[2] * effort_limit]


def start_state(
    log: RunLog, time: float, scales: list[Floats]
) -> tuple[Floats, Floats]:
    """Return position [rad] and velocity [rad/s] at ``time`` from a local parabola."""
    half = max(SMOOTH, 1.5 * float(np.median(np.diff(log.time))))
    rows = np.abs(log.time - time) <= half
    t = (log.time[rows] - time) / half
    basis = np.stack([t**0, t, t**2], axis=1)
    slope = np.stack([0 * t, t**0, 2 * t], axis=1) / half
    position, velocity = np.empty(log.n), np.empty(log.n)
    for j in range(log.n):
        design = basis / scales[0][j]
        target = log.position[rows, j] / scales[0][j]
        if len(log.velocity):
            design = np.vstack([design, slope / scales[1][j]])
            target = np.append(target, log.velocity[rows, j] / scales[1][j])
        fit = np.linalg.lstsq(design, target, rcond=None)[0]
        position[j], velocity[j] = fit[0], fit[1] / half
    return position, velocity


def cut(
    log: RunLog, start: float, stop: float, scales: list[Floats], most: int
) -> list[Window]:
    """Return at most ``most`` disjoint windows with motion, evenly chosen.

    Args:
        log: the log.
        start: no window begins before [s].
        stop: no window ends after [s].
        scales: from :func:`error_scales`.
        most: how many windows to return.
    """
    period = float(np.median(np.diff(log.time)))
    step = max(1, round(1.0 / (RATE * period)))
    found = []
    for begin in np.arange(start, stop - LENGTH, LENGTH):
        low, high = np.searchsorted(log.time, [begin, begin + LENGTH - 1e-9])
        times = log.time[low:high]
        if len(times) < 5 or np.diff(times).max() > max(5 * period, 0.05):
            continue
        moved = np.ptp(log.position[low:high], axis=0).max()
        if moved < MOVING * LENGTH:
            continue
        position, velocity = start_state(log, times[0], scales)
        rows = slice(int(low) + step, int(high), step)
        found.append(Window(log, float(times[0]), position, velocity, rows))
    if len(found) > most:
        found = [
            found[i] for i in np.linspace(0, len(found) - 1, most).round().astype(int)
        ]
    return found


def split(
    logs: list[RunLog], holdout: float, scales: list[Floats], most: int
) -> tuple[list[Window], list[Window]]:
    """Return the windows to fit and, from the end of each log, those held out.

    Raises:
        ForearmError: there is too little motion for either.
    """
    fit: list[Window] = []
    held: list[Window] = []
    for log in logs:
        first = max(log.time[0], log.command_time[0]) + 0.1
        last = min(log.time[-1], log.command_time[-1] + LENGTH)
        border = last - holdout * (last - first)
        fit += cut(log, first, border, scales, max(1, most // len(logs)))
        held += cut(log, border, last, scales, max(1, most // len(logs)))
    if len(fit) < 4 or not held:
        raise ForearmError(
            f"the logs hold {len(fit)} windows of {LENGTH} s with motion to fit and "
            f"{len(held)} held out, at least 4 and 1 are needed; record a longer motion"
        )
    return fit, held
