"""Camera: what the policy may know of an object: late, and a little wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .noise import Noise

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ids = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class CameraSpec:
    """How late and how wrong a camera's object pose is.

    The values are guesses for a fiducial tag half a metre from a 30 to 60 Hz camera;
    a real one is measured by letting it look at an object that stands still.
    """

    delay: float = 0.04
    """Age of a pose when the policy gets it [s]; whole control periods count."""
    position_noise: float = 0.001
    """Standard deviation of each coordinate [m]."""
    rotation_noise: float = 0.005
    """Standard deviation of the turn about each axis [rad]."""


class Camera:
    """Delays and disturbs the pose of one object, per simulation.

    Noise is drawn when an episode starts, from that episode's own generator, so what a
    simulation sees does not depend on its place in the batch.
    """

    def __init__(self, spec: CameraSpec, nsim: int, dt: float, steps: int) -> None:
        """Allocate for episodes of at most ``steps`` control periods of ``dt`` [s]."""
        self._spec = spec
        self._lag = round(spec.delay / dt)
        self._position = np.zeros((nsim, self._lag + 1, 3))
        self._quat_wxyz = np.zeros((nsim, self._lag + 1, 4))
        self._noise = Noise(steps, nsim, 6)
        self._tick = np.zeros(nsim, np.intp)

    def start(
        self,
        ids: Ids,
        position: Floats,
        quat_wxyz: Floats,
        rngs: list[np.random.Generator],
    ) -> None:
        """Begin episodes of ``ids`` with the object at rest, (k, 3) and (k, 4)."""
        self._position[ids] = position[:, None]
        self._quat_wxyz[ids] = quat_wxyz[:, None]
        self._tick[ids] = 0
        spec = self._spec
        std = np.repeat([spec.position_noise, spec.rotation_noise], 3)
        self._noise.draw(ids, rngs, np.repeat(std[None], len(ids), axis=0))

    def push(self, position: Floats, quat_wxyz: Floats) -> None:
        """Record the true pose at a new control tick, (nsim, 3) and (nsim, 4)."""
        for ring, value in ((self._position, position), (self._quat_wxyz, quat_wxyz)):
            ring[:, 1:] = ring[:, :-1].copy()
            ring[:, 0] = value
        self._tick += 1

    def see(self) -> tuple[Singles, Singles]:
        """Return the pose the policy gets: position [m] and quaternion, float32."""
        noise = self._noise.at(self._tick)
        position = self._position[:, -1].astype(np.float32) + noise[:, :3]
        quat = self._quat_wxyz[:, -1].astype(np.float32)
        return position, _turned(quat, noise[:, 3:])


def _turned(quat_wxyz: Singles, turn: Singles) -> Singles:
    """Turn by a small rotation vector [rad], to first order and normalized."""
    w, v = quat_wxyz[:, :1], quat_wxyz[:, 1:]
    half = 0.5 * turn
    turned = np.concatenate(
        [
            w - np.sum(half * v, axis=1, keepdims=True),
            v + w * half + np.cross(half, v),
        ],
        axis=1,
    )
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True))
