"""Checks of the clocks: commands against the motion that follows them."""

from __future__ import annotations

import numpy as np

from forearm.core.log import RunLog

from .finding import Patient

AHEAD = 0.02
"""An arm that moves this much before its command is on another clock [s]."""

LATE = 0.3
"""Delay beyond the servo's own lag that no command path has [s]."""

SEARCH = 20.0
"""Clock offsets looked for [s]."""

FOLLOWED = 0.5
"""Correlation of command and motion below which the arm does not follow."""


def lag(log: RunLog, window: tuple[float, float]) -> tuple[float, float]:
    """Return how late the motion follows the commands [s], and their correlation.

    The cross-correlation of both velocities; of peaks that are equally high, as a
    periodic motion has, one inside ``window`` is taken.
    """
    step = max(0.002, float(np.median(np.diff(log.time))))
    start = min(log.time[0], log.command_time[0])
    stop = max(log.time[-1], log.command_time[-1])
    step = max(step, (stop - start) / 200_000)
    grid = np.arange(start, stop, step)
    size = 1 << int(np.ceil(np.log2(2 * len(grid))))
    total = np.zeros(size)
    for j in range(log.n):
        a = np.diff(np.interp(grid, log.command_time, log.command[:, j]))
        b = np.diff(np.interp(grid, log.time, log.position[:, j]))
        norm = np.linalg.norm(a) * np.linalg.norm(b)
        if np.ptp(log.position[:, j]) < 0.01 or norm == 0:
            continue
        product = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
        total += np.fft.irfft(product, size) * np.ptp(log.position[:, j]) / norm
    weight = np.ptp(log.position, axis=0)
    total /= max(float(weight[weight >= 0.01].sum()), 1e-12)
    lags = np.where(np.arange(size) < size // 2, 0, size) * -1.0
    lags = (np.arange(size) + lags) * step
    near = np.abs(lags) <= min(SEARCH, 0.9 * (stop - start))
    inside = near & (lags >= window[0]) & (lags <= window[1])
    best = int(np.argmax(np.where(near, total, -np.inf)))
    expected = int(np.argmax(np.where(inside, total, -np.inf)))
    if total[expected] > 0.97 * total[best]:
        best = expected
    return float(lags[best]), float(total[best])


def check_clock(patient: Patient) -> None:
    """Move commands that are on another clock, by how late the arm follows them."""
    log, robot = patient.log, patient.robot
    if len(log.command_time) < 10 or np.ptp(log.position, axis=0).max() < 0.05:
        return
    servo = 0.1
    if robot is not None:
        servo = float(np.median(robot.vector("kv") / robot.vector("kp")))
    window = (-AHEAD, 3 * servo + LATE)
    late, match = lag(_switched_on(log), window)
    if match < FOLLOWED:
        patient.note(
            "not_followed",
            f"the motion follows the commands with a correlation of {match:.2f} only: "
            "another controller moved the arm, or the commands are not its own",
        )
    elif not window[0] <= late <= window[1]:
        shift = late - servo
        patient.note(
            "clock_offset",
            f"the arm follows its commands after {late:.3f} s, which no servo does: "
            f"all commands are moved by {shift:+.3f} s; the command delay cannot be "
            "told from this log",
            "shifted",
        )
        patient.change(
            command_time=log.command_time + shift,
            meta={**log.meta, "command_shift": shift},
        )
    _cover(patient)


def _switched_on(log: RunLog) -> RunLog:
    """Return the part before the servo is switched off, or the whole log."""
    switch = log.signals.get("torque_enable")
    if switch is None or not (switch == 0).any():
        return log
    first = int(np.argmax((switch == 0).any(axis=1)))
    stop = float(log.time[first])
    early = log.command_time < stop
    if first < 50 or early.sum() < 10:
        return log
    return log.crop(float(min(log.time[0], log.command_time[0])), stop)


def _cover(patient: Patient) -> None:
    log = patient.log
    inside = (log.time >= log.command_time[0]) & (log.time <= log.command_time[-1] + 1)
    if inside.mean() < 0.9:
        patient.note(
            "command_cover",
            f"commands cover {inside.mean():.0%} of the log; the rest is not fitted",
            "noted",
            patient.rows(~inside),
        )
