"""What the policy may know: delayed, noisy, quantized, offset joint readings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]


class Sensing:
    """Turns true joint motion into sensed joint motion, per simulation.

    Delay works on the motion at control ticks, linear in between, so it need not be
    a multiple of the control period. Noise is drawn when an episode starts, from that
    episode's own generator: what a simulation senses does not depend on its place in
    the batch.
    """

    def __init__(self, nsim: int, n: int, control_dt: float, steps: int) -> None:
        """Allocate for episodes of at most ``steps`` control periods.

        Args:
            nsim: number of simulations.
            n: number of joints.
            control_dt: control period [s].
            steps: longest episode.
        """
        self._dt = control_dt
        self._depth = 2 + int(np.ceil(MAX_DELAY / control_dt))
        self._ring = np.zeros((self._depth, nsim, 2 * n))
        self._noise = np.zeros((nsim, steps + 1, 2 * n), np.float32)
        self._lag = np.zeros(nsim)
        self._offset = np.zeros((nsim, n))
        self._step = np.zeros((nsim, n))
        self._tick = np.zeros(nsim, np.intp)
        self._all = np.arange(nsim)
        self._n = n
        self._active = {"lag": False, "offset": False, "step": False, "noise": False}

    def reset(
        self,
        ids: Ids,
        joint_pos: Floats,
        values: Mapping[str, Floats],
        rngs: list[np.random.Generator],
    ) -> None:
        """Start episodes of ``ids`` at rest at ``joint_pos`` [rad] (k, n).

        Args:
            ids: the simulations.
            joint_pos: true joint positions [rad], (k, n).
            values: sensing parameters by name, (k, size) each.
            rngs: one generator per simulation.
        """
        self._ring[:, ids, : self._n] = joint_pos
        self._ring[:, ids, self._n :] = 0.0
        self._lag[ids] = values["sensor_delay"][:, 0] / self._dt
        self._offset[ids] = values["encoder_offset"]
        self._step[ids] = values["encoder_step"]
        self._tick[ids] = 0
        std = np.concatenate(
            [values["encoder_noise"], values["velocity_noise"]], axis=1
        )
        steps = self._noise.shape[1]
        for i, rng, scale in zip(ids, rngs, std, strict=True):
            if scale.any():
                draw = rng.standard_normal((steps, 2 * self._n), dtype=np.float32)
                self._noise[i] = draw * scale.astype(np.float32)
            else:
                self._noise[i] = 0.0
        self._active = {
            "lag": bool(self._lag.any()),
            "offset": bool(self._offset.any()),
            "step": bool(self._step.any()),
            "noise": self._active["noise"] or bool(std.any()),
        }

    def push(self, joint_pos: Floats, joint_vel: Floats) -> None:
        """Record the true motion at a new control tick, (nsim, n) each."""
        self._ring = (
            np.roll(self._ring, 1, axis=0) if self._active["lag"] else self._ring
        )
        self._ring[0, :, : self._n] = joint_pos
        self._ring[0, :, self._n :] = joint_vel
        self._tick += 1

    def sense(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return sensed joint positions [rad] and velocities [rad/s], (nsim, n)."""
        motion = self._delayed() if self._active["lag"] else self._ring[0]
        if self._active["offset"] or self._active["step"]:
            motion = motion.copy()
            motion[:, : self._n] += self._offset
        sensed = motion.astype(np.float32)
        if self._active["noise"]:
            tick = np.minimum(self._tick, self._noise.shape[1] - 1)
            sensed += self._noise[self._all, tick]
        if self._active["step"]:
            step = np.where(self._step > 0, self._step, np.inf).astype(np.float32)
            rounded = np.round(sensed[:, : self._n] / step) * np.where(
                np.isfinite(step), step, 0.0
            )
            sensed[:, : self._n] = np.where(
                np.isfinite(step), rounded, sensed[:, : self._n]
            )
        return sensed[:, : self._n], sensed[:, self._n :]

    def _delayed(self) -> Floats:
        whole = np.floor(self._lag).astype(np.intp)
        part = (self._lag - whole)[:, None]
        newer = self._ring[whole, self._all]
        older = self._ring[np.minimum(whole + 1, self._depth - 1), self._all]
        return np.asarray((1.0 - part) * newer + part * older)


MAX_DELAY = 0.2
"""Longest sensor delay the buffer holds [s]."""
