"""Windows: short stretches of logs with start states, to be simulated one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog

LENGTH = 0.5
"""Length of a window [s]: long enough for a servo to show its delay and damping."""

HORIZON = 2.0
"""Longest horizon of the error [s]."""

RATE = 100.0
"""Samples kept per second of a window; a faster log adds no information."""

SMOOTH = 0.012
"""Half width of the fit that gives the start state [s]."""

MOVING = 0.02
"""Joint speed above which an arm counts as moving [rad/s]."""

FLOOR = (1e-5, 5e-4, 2e-4)
"""Least noise of position [rad], velocity [rad/s], effort [part of the limit]."""

START = 3.0
"""Start states may be this many times worse than their noise says."""


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
    spread: Floats
    """Standard deviation of start position and velocity [rad, rad/s], (2 n,)."""
    rows: slice
    """Rows of the log that are compared."""

    @property
    def time(self) -> Floats:
        """Times of the compared samples since the start [s]."""
        return np.asarray(self.log.time[self.rows] - self.start)


def noise_scales(logs: Sequence[RunLog], effort_limit: Floats) -> list[Floats]:
    """Return the sensor noise of position, velocity and effort, (n,) each.

    The fourth difference of evenly sampled rows hides any slow motion; of white
    noise it has sqrt(70) times the standard deviation.
    """
    one = np.ones_like(effort_limit)
    floors = [FLOOR[0] * one, FLOOR[1] * one, FLOOR[2] * effort_limit]
    found = []
    for name, floor in zip(("position", "velocity", "effort"), floors, strict=True):
        sizes = [
            np.median(np.abs(np.diff(getattr(log, name), n=4, axis=0)), axis=0)
            for log in logs
            if len(getattr(log, name)) > 10
        ]
        noise = np.mean(sizes, axis=0) / 0.6745 / np.sqrt(70) if sizes else floor
        found.append(np.maximum(noise, floor))
    return found


def start_state(
    log: RunLog, time: float, noise: list[Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return position, velocity and their spread at ``time`` from a local parabola."""
    half = max(SMOOTH, 1.5 * float(np.median(np.diff(log.time))))
    rows = np.abs(log.time - time) <= half
    t = (log.time[rows] - time) / half
    basis = np.stack([t**0, t, t**2], axis=1)
    slope = np.stack([0 * t, t**0, 2 * t], axis=1) / half
    position, velocity = np.empty(log.n), np.empty(log.n)
    spread = np.empty((2, log.n))
    for j in range(log.n):
        design = basis / noise[0][j]
        target = log.position[rows, j] / noise[0][j]
        if len(log.velocity):
            design = np.vstack([design, slope / noise[1][j]])
            target = np.append(target, log.velocity[rows, j] / noise[1][j])
        fit = np.linalg.lstsq(design, target, rcond=None)[0]
        width = np.sqrt(np.diag(np.linalg.pinv(design.T @ design)))
        position[j], velocity[j] = fit[0], fit[1] / half
        spread[:, j] = START * width[0], START * width[1] / half
    return position, velocity, spread.reshape(-1)


def cut(
    log: RunLog,
    start: float,
    stop: float,
    noise: list[Floats],
    most: int,
    length: float = LENGTH,
) -> list[Window]:
    """Return at most ``most`` disjoint windows with motion, evenly chosen.

    Args:
        log: the log.
        start: no window begins before [s].
        stop: no window ends after [s].
        noise: from :func:`noise_scales`.
        most: how many windows to return.
        length: how long they are [s].
    """
    period = float(np.median(np.diff(log.time)))
    step = max(1, round(1.0 / (RATE * period)))
    found = []
    for begin in np.arange(start, stop - length, length):
        low, high = np.searchsorted(log.time, [begin, begin + length - 1e-9])
        times = log.time[low:high]
        if len(times) < 5 or np.diff(times).max() > max(5 * period, 0.05):
            continue
        moved = np.ptp(log.position[low:high], axis=0).max()
        if moved < MOVING * length:
            continue
        position, velocity, spread = start_state(log, times[0], noise)
        rows = slice(int(low) + step, int(high), step)
        found.append(Window(log, float(times[0]), position, velocity, spread, rows))
    if len(found) > most:
        found = [
            found[i] for i in np.linspace(0, len(found) - 1, most).round().astype(int)
        ]
    return found


@dataclass(frozen=True)
class Parts:
    """Windows by what they are for; no part sees another's samples."""

    fit: list[Window]
    """Fitted."""
    gate: list[Window]
    """Choose the friction law and which joints keep nominal."""
    figure: list[Window]
    """Give the held-out error, nothing else."""
    long: list[Window]
    """The same stretches as the figure's, in windows of the longest horizon."""


def split(
    logs: Sequence[RunLog],
    held: Sequence[RunLog],
    holdout: float,
    noise: list[Floats],
    most: int,
) -> Parts:
    """Return the windows to fit, to gate and to judge.

    The end of each log is held out; where whole logs are held out, they judge and the
    ends only gate.

    Raises:
        ForearmError: there is too little motion for any of them.
    """
    fit: list[Window] = []
    gate: list[Window] = []
    figure: list[Window] = []
    long: list[Window] = []
    count = max(1, most // len(logs))
    for log in logs:
        first, last = _span(log)
        border = last - holdout * (last - first)
        middle = last if held else 0.5 * (border + last)
        fit += cut(log, first, border, noise, count)
        gate += cut(log, border, middle, noise, max(1, count // 2))
        figure += cut(log, middle, last, noise, max(1, count // 2))
        long += cut(log, middle, last, noise, 8, HORIZON)
    for log in held:
        first, last = _span(log)
        figure += cut(log, first, last, noise, max(1, most // len(held)))
        long += cut(log, first, last, noise, 8, HORIZON)
    if len(fit) < 4 or not gate or not figure:
        raise ForearmError(
            f"the logs hold {len(fit)} windows of {LENGTH} s with motion to fit and "
            f"{len(gate)} and {len(figure)} held out, at least 4, 1 and 1 are needed; "
            "record a longer motion"
        )
    return Parts(fit, gate, figure, long)


def _span(log: RunLog) -> tuple[float, float]:
    first = max(log.time[0], log.command_time[0]) + 0.1
    return float(first), float(min(log.time[-1], log.command_time[-1] + LENGTH))
