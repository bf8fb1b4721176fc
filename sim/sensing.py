"""What the policy may know: delayed, noisy, quantized, offset joint readings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .kernels import compiled, sense
from .noise import Noise

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
        self._noise = Noise(steps, nsim, 2 * n)
        self._whole = np.zeros(nsim, np.intp)
        self._part = np.zeros(nsim, np.float32)
        self._offset = np.zeros((nsim, n), np.float32)
        self._step = np.zeros((nsim, n), np.float32)
        self._tick = np.zeros(nsim, np.intp)
        self._all = np.arange(nsim)
        self._n = n
        self._noisy = False

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
        noise = values["encoder_noise"], values["velocity_noise"]
        std = np.concatenate(noise, axis=1)
        self._noise.draw(ids, rngs, std)
        self._noisy |= bool(std.any())

    def refresh(self, ids: Ids, values: Mapping[str, Floats]) -> None:
        """Take over values that change within an episode: delay, offset, step."""
        lag = values["sensor_delay"][:, 0] / self._dt
        self._whole[ids] = whole = lag.astype(np.intp)
        self._part[ids] = lag - whole
        self._offset[ids] = values["encoder_offset"]
        self._step[ids] = values["encoder_step"]

    def next_tick(self) -> Singles:
        """Begin a control tick; return where its true motion is to be written.

        Joint positions [rad], then velocities [rad/s], (nsim, 2n); they stay there
        until as many ticks have passed as a delay may last.
        """
        self._head = (self._head + 1) % self._depth
        self._tick += 1
        return np.asarray(self._ring[self._head])

    def sense(self, ids: Ids | None = None) -> tuple[Singles, Singles]:
        """Return sensed joint positions [rad] and velocities [rad/s], (k, n) each.

        Args:
            ids: the simulations; all of them by default.
        """
        ids = self._all if ids is None else ids
        sensed = np.empty((len(ids), 2 * self._n), np.float32)
        compiled(sense)(
            self._ring,
            self._head,
            self._whole,
            self._part,
            self._offset,
            self._noise.drawn[: None if self._noisy else 0],
            self._noise.scale,
            self._tick,
            self._step,
            ids,
            sensed,
        )
        return sensed[:, : self._n], sensed[:, self._n :]


SENSED = ("sensor_delay", "encoder_offset", "encoder_step")
"""Parameters that :meth:`Sensing.refresh` takes over within an episode."""

MAX_DELAY = 0.2
"""Longest sensor delay the buffer holds [s]."""
