"""Scene: the free bodies and movable fixtures a task adds, by name, over the batch."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import UnknownNameError

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]


class Scene:
    """Where a task's objects are in every simulation, and where to put them.

    Free bodies have a pose and a velocity; mocap bodies (fixtures that never move by
    themselves) only a pose.
    """

    def __init__(self, model: Any, batch: Any) -> None:
        """Bind every free and mocap body of ``model`` to a ``mujoco.batch.Batch``."""
        self._free = {
            model.body(model.jnt_bodyid[i]).name: (
                int(model.jnt_qposadr[i]),
                int(model.jnt_dofadr[i]),
            )
            for i in range(model.njnt)
            if model.jnt_type[i] == mujoco.mjtJoint.mjJNT_FREE
        }
        mocap = {
            model.body(i).name: int(model.body_mocapid[i]) for i in range(model.nbody)
        }
        self._fixed = {name: i for name, i in mocap.items() if i >= 0}
        self._qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        if self._fixed:
            self._mocap_pos = batch.bind("mocap_pos")
            self._mocap_quat = batch.bind("mocap_quat")

    @property
    def names(self) -> tuple[str, ...]:
        """Free bodies, then fixtures."""
        return (*self._free, *self._fixed)

    def position(self, name: str) -> Floats:
        """Return positions in the base frame [m], (nsim, 3)."""
        if name in self._fixed:
            return np.asarray(self._mocap_pos[:, self._fixed[name]])
        start = self._address(name)[0]
        return np.asarray(self._qpos[:, start : start + 3])

    def quat_wxyz(self, name: str) -> Floats:
        """Return orientations in the base frame, (nsim, 4)."""
        if name in self._fixed:
            return np.asarray(self._mocap_quat[:, self._fixed[name]])
        start = self._address(name)[0] + 3
        return np.asarray(self._qpos[:, start : start + 4])

    def velocity(self, name: str) -> Floats:
        """Return linear velocities of a free body [m/s], (nsim, 3)."""
        start = self._address(name)[1]
        return np.asarray(self._qvel[:, start : start + 3])

    def place(self, ids: Ids, name: str, position: Floats, quat_wxyz: Floats) -> None:
        """Put a body of simulations ``ids`` at rest at a pose, (k, 3) and (k, 4)."""
        if name in self._fixed:
            self._mocap_pos[ids, self._fixed[name]] = position
            self._mocap_quat[ids, self._fixed[name]] = quat_wxyz
            return
        qpos, qvel = self._address(name)
        self._qpos[ids, qpos : qpos + 3] = position
        self._qpos[ids, qpos + 3 : qpos + 7] = quat_wxyz
        self._qvel[ids, qvel : qvel + 6] = 0.0

    def _address(self, name: str) -> tuple[int, int]:
        if name not in self._free:
            raise UnknownNameError("object", name, self._free)
        return self._free[name]
