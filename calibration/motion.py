"""Motion: one log made ready for regression: regressor, effort and what counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import ForearmError
from forearm.core.log import EffortUnit, Floats, RunLog

from .chain import Chain
from .regressor import regressor
from .smooth import local_slope

STANDSTILL = 0.01
"""Slower samples count neither in the fit nor in the score: stiction [rad/s]."""

FEWEST = 50
"""Fewest samples with which a log is worth fitting."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Motion:
    """One log as regression sees it; T samples, n joints."""

    name: str
    """Where it comes from."""
    log: RunLog
    """The recording."""
    qpos: Floats
    """[rad], (T, n)."""
    qvel: Floats
    """Smoothed [rad/s], (T, n)."""
    qacc: Floats
    """[rad/s^2], (T, n)."""
    regressor: Floats
    """Torque per link inertial, (T, n, n, 10)."""
    moving: Flags
    """Samples that count, by joint, (T, n)."""

    @property
    def effort(self) -> Floats:
        """Measured effort [unit], (T, n)."""
        return self.log.effort

    @property
    def unit(self) -> EffortUnit:
        """Unit of the effort."""
        return self.log.effort_unit

    def rigid(self, inertials: Floats) -> Floats:
        """Return the rigid-body torque [Nm], (T, n)."""
        flat = self.regressor.reshape(*self.regressor.shape[:2], -1)
        return np.asarray(flat @ inertials.ravel())


def motion_of(log: RunLog, chain: Chain, half: int) -> Motion:
    """Differentiate a log and evaluate its regressor.

    Args:
        log: joint states with effort, in the chain's joint order.
        chain: the arm.
        half: samples on each side of the smoothing window.

    Raises:
        ForearmError: the log holds no effort or too few samples.
    """
    name = str(log.meta.get("source", "log"))
    if not len(log.effort):
        raise ForearmError(f"{name}: holds no effort, so no torque can be fitted")
    if len(log.time) < FEWEST:
        raise ForearmError(f"{name}: {len(log.time)} joint states are too few")
    if len(log.velocity):
        qvel, qacc = local_slope(log.time, log.velocity, half)
    else:
        _, rough = local_slope(log.time, log.position, half)
        qvel, qacc = local_slope(log.time, rough, half)
    measured = log.velocity if len(log.velocity) else qvel
    table = regressor(chain, log.position, qvel, qacc)
    moving = np.abs(measured) > STANDSTILL
    return Motion(name, log, log.position, qvel, qacc, table, moving)
