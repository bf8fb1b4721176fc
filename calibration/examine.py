"""Look at a log before any fit: what it lacks, in sentences."""

from __future__ import annotations

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import RunLog


def examine(log: RunLog) -> list[str]:
    """Return what is worth knowing about a log, in sentences.

    Raises:
        ForearmError: there is nothing to calibrate with.
    """
    name = str(log.meta.get("source", "log"))
    if len(log.time) < 10:
        raise ForearmError(f"{name}: {len(log.time)} joint states are too few")
    if len(log.command_time) < 2:
        raise ForearmError(
            f"{name}: holds no joint commands, so the servo cannot be replayed; record "
            "the command topic too"
        )
    steps = np.diff(log.time)
    period = float(np.median(steps))
    found = [
        f"{name}: {log.duration:.1f} s of joint states at {1 / period:.0f} Hz, "
        f"{len(log.command_time)} commands"
    ]
    gaps = steps > max(5 * period, 0.05)
    if gaps.any():
        found.append(
            f"{name}: {gaps.sum()} gaps, the longest {steps.max():.2f} s, are left out"
        )
    if not len(log.velocity):
        found.append(f"{name}: no velocities, start speeds come from positions")
    dropped = log.meta.get("dropped_states", 0)
    if dropped:
        found.append(f"{name}: {dropped} joint states with old stamps are dropped")
    speed = np.abs(np.gradient(log.position, log.time, axis=0))
    share = float((speed.max(axis=1) < 0.01).mean())
    if share > 0.3:
        found.append(f"{name}: the arm stands still {share:.0%} of the time")
    for joint, moved in zip(log.joints, np.ptp(log.position, axis=0), strict=True):
        if moved < 0.02:
            found.append(f"{name}: {joint} moves only {moved * 1e3:.1f} mrad")
    return found
