"""What the policy may know: delayed, noisy, quantized, offset joint readings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
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
        self._ring = np.zeros((self._depth, nsim, 2 * n), np.float32)
        self._head = 0
        self._noise = np.zeros((nsim, steps + 1, 2 * n), np.float32)
        self._whole = np.zeros(nsim, np.intp)
        self._part = np.zeros((nsim, 1), np.float32)
        self._offset = np.zeros((nsim, n), np.float32)
        self._step = np.zeros((nsim, n), np.float32)
        self._unit = np.ones((nsim, n), np.float32)
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
        self._tick[ids] = 0
        self.refresh(ids, values)
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
        self._active["noise"] |= bool(std.any())

    def refresh(self, ids: Ids, values: Mapping[str, Floats]) -> None:
        """Take over values that change within an episode: delay, offset, step."""
        lag = values["sensor_delay"][:, 0] / self._dt
        self._whole[ids] = whole = lag.astype(np.intp)
        self._part[ids] = (lag - whole)[:, None]
        self._offset[ids] = values["encoder_offset"]
        self._step[ids] = step = values["encoder_step"].astype(np.float32)
        self._unit[ids] = np.where(step > 0, step, np.float32(1.0))
        self._active |= {
            "lag": bool(self._whole.any() or self._part.any()),
            "offset": bool(self._offset.any()),
            "step": bool(self._step.any()),
        }

    def push(self, joint_pos: Singles, joint_vel: Singles) -> None:
        """Record the true motion at a new control tick, (nsim, n) each."""
        self._head = (self._head + 1) % self._depth
        newest = self._ring[self._head]
        newest[:, : self._n] = joint_pos
        newest[:, self._n :] = joint_vel
        self._tick += 1

    def sense(self, ids: Ids | None = None) -> tuple[Singles, Singles]:
        """Return sensed joint positions [rad] and velocities [rad/s], (k, n) each.

        Args:
            ids: the simulations; all of them by default.
        """
        # All of them at once are views, which cost nothing.
        some: Ids | slice = slice(None) if ids is None else ids
        ids = self._all if ids is None else ids
        if self._active["lag"]:
            sensed = self._delayed(ids, some)
        else:
            sensed = np.array(self._ring[self._head][some])
        position = sensed[:, : self._n]
        if self._active["offset"]:
            position += self._offset[some]
        if self._active["noise"]:
            tick = np.minimum(self._tick[some], self._noise.shape[1] - 1)
            sensed += self._noise[ids, tick]
        if self._active["step"]:
            self._quantize(position, some)
        return position, sensed[:, self._n :]

    def _quantize(self, position: Singles, some: Ids | slice) -> None:
        unit = self._unit[some]
        rounded = position / unit
        np.round(rounded, out=rounded)
        rounded *= unit
        np.copyto(position, rounded, where=self._step[some] > 0)

    def _delayed(self, ids: Ids, some: Ids | slice) -> Singles:
        whole, part = self._whole[some], self._part[some]
        newer = self._ring[(self._head - whole) % self._depth, ids]
        older = self._ring[(self._head - whole - 1) % self._depth, ids]
        older -= newer
        older *= part
        newer += older
        return newer


SENSED = ("sensor_delay", "encoder_offset", "encoder_step")
"""Parameters that :meth:`Sensing.refresh` takes over within an episode."""

MAX_DELAY = 0.2
"""Longest sensor delay the buffer holds [s]."""
