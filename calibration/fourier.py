"""Fourier series that start and end at rest, and their derivatives."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline

from forearm.core.log import Floats

RAMP = 1.5
"""Time in which the series fades in and out [s]."""

STEP = 0.01
"""Spacing of the points [s]."""


class Series:
    """A basis B(t): q(t) = centre + B(t) X with X of shape (2 harmonics, n).

    Swevers et al., "Optimal robot excitation and identification", IEEE Trans. Robotics
    and Automation 13(5), 1997, here faded in and out by a septic polynomial, so that
    position, velocity, acceleration and jerk begin and end at zero.
    """

    def __init__(self, seconds: float, harmonics: int, lowest: float) -> None:
        """Take the length [s], the number of harmonics and the base frequency [Hz]."""
        self.time: Floats = np.arange(round(seconds / STEP) + 1, dtype=np.float64)
        self.time *= STEP
        t, end = self.time, self.time[-1]
        s = np.clip(np.minimum(t, end - t) / RAMP, 0.0, 1.0)
        window = s**4 * (35 - 84 * s + 70 * s**2 - 20 * s**3)
        angle = 2 * np.pi * lowest * np.arange(1, harmonics + 1) * t[:, None]
        wave = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        # High harmonics carry less amplitude at the same acceleration.
        weight = np.tile(1.0 / np.arange(1, harmonics + 1), 2)
        spline = make_interp_spline(t, window[:, None] * wave * weight, k=5)
        self.basis = [np.asarray(spline(t, k), np.float64) for k in range(4)]
        """B and its first three derivatives, (T, 2 harmonics) each."""
        # The spline's ends ring in the third derivative; there all are zero.
        for values in self.basis:
            values[[0, -1]] = 0.0

    @property
    def size(self) -> int:
        """Rows of X."""
        return int(self.basis[0].shape[1])

    def motion(self, centre: Floats, x: Floats) -> list[Floats]:
        """Return position, velocity, acceleration and jerk, (T, n) each."""
        found = [b @ x for b in self.basis]
        found[0] = found[0] + centre
        return found
