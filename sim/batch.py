"""ArmBatch: many simulated arms on all cores, bound to names once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import mujoco.batch
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.params import KINDS, nominal_values
from forearm.core.robot import RobotSpec

from .model import TIMESTEP, FieldMap, SpecHook, Values, build_model

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]

CONST_FIELDS = {"body_mass", "body_inertia", "body_ipos", "body_iquat", "dof_armature"}
"""Fields whose derived constants (``dof_M0``, ``body_subtreemass``, …) follow."""


def decimation(control_dt: float, sim_dt: float) -> int:
    """Return how many physics steps make one control period.

    Raises:
        LimitError: the periods do not divide.
    """
    ratio = control_dt / sim_dt
    if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6:
        raise LimitError(
            f"control period {control_dt} s must be a multiple of the physics "
            f"time step {sim_dt} s"
        )
    return round(ratio)


class ArmBatch:
    """``nsim`` copies of one arm with per-simulation parameters.

    Joint arrays are float64 of shape (nsim, n) in the order of the robot's joints.
    """

    def __init__(
        self,
        robot: RobotSpec,
        nsim: int,
        *,
        values: Values | None = None,
        control_dt: float = 0.02,
        timestep: float = TIMESTEP,
        nthread: int = 0,
        hook: SpecHook | None = None,
    ) -> None:
        """Compile the arm and give every randomized field per-simulation values.

        Args:
            robot: the arm.
            nsim: number of simulations.
            values: parameter values of all simulations; nominal where missing.
            control_dt: control period [s].
            timestep: physics time step [s].
            nthread: threads; 0 for all cores.
            hook: adds a task's objects to the model.

        Raises:
            LimitError: ``nsim`` is not positive or the periods do not divide.
        """
        if nsim < 1:
            raise LimitError(f"a batch needs at least one simulation, got {nsim}")
        self.robot = robot
        self.nsim = nsim
        self.decimation = decimation(control_dt, timestep)
        self.model = build_model(robot, values, timestep=timestep, hook=hook)
        self.batch = mujoco.batch.Batch(self.model, nsim, nthread)
        self._map = FieldMap(build_model(robot, timestep=timestep, hook=hook), robot)
        self._qpos = self.batch.bind("qpos")
        self._qvel = self.batch.bind("qvel")
        self._ctrl = self.batch.bind("ctrl")
        self._history = self.batch.bind("history")
        self._history_values = _history_slots(self.model, self._map.actuator)
        complete = {**nominal_values(robot), **(values or {})}
        self.values: dict[str, Floats] = {
            name: np.repeat(complete[name][None], nsim, axis=0) for name in KINDS
        }
        """Parameter values in force, (nsim, size) each; change with `set_values`."""

    def set_values(self, ids: Ids, values: Mapping[str, Floats]) -> None:
        """Give simulations ``ids`` new parameter values, each (len(ids), size).

        Parameters that are not named keep their value.

        Raises:
            LimitError: a value is not finite or below its minimum.
        """
        for name, value in values.items():
            kind = KINDS[name]
            # NaN compares false, so it is refused here too.
            if not ((value >= kind.minimum) & (value <= kind.maximum)).all():
                raise LimitError(
                    f"{name} must lie in [{kind.minimum:g}, {kind.maximum:g}] "
                    f"{kind.unit}, got {value.min():g} to {value.max():g}"
                )
            self.values[name][ids] = value
        chosen = {name: value[ids] for name, value in self.values.items()}
        changed = False
        for field, (index, array) in self._map.fields(chosen).items():
            where = np.ix_(ids, *_lists(index))
            self.batch.expand(field)[where] = array
            changed |= field in CONST_FIELDS
        if changed:
            self.batch.set_const(ids)

    def reset(self, ids: Ids, joint_pos: Floats) -> None:
        """Put simulations ``ids`` at rest at ``joint_pos`` [rad] (len(ids), n).

        The servos and their delay buffers hold that position.
        """
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._qpos[ids[:, None], self._map.qpos] = joint_pos
        self.set_command(ids, joint_pos)
        for slot, joint in zip(self._history_values, joint_pos.T, strict=True):
            self._history[ids, slot] = joint[:, None]

    def set_command(self, ids: Ids, command: Floats) -> None:
        """Set the joint position command [rad] (len(ids), n) without stepping."""
        self._ctrl[ids[:, None], self._map.actuator] = command

    def step(self, command: NDArray[np.floating]) -> None:
        """Advance every simulation by one control period under ``command`` [rad]."""
        self._ctrl[:, self._map.actuator] = command
        self.batch.step(nstep=self.decimation)

    @property
    def joint_pos(self) -> Floats:
        """True joint positions [rad], (nsim, n)."""
        return np.asarray(self._qpos[:, self._map.qpos])

    @property
    def joint_vel(self) -> Floats:
        """True joint velocities [rad/s], (nsim, n)."""
        return np.asarray(self._qvel[:, self._map.dof])

    def unstable(self) -> NDArray[np.bool_]:
        """Return which simulations raised a MuJoCo warning or left the numbers."""
        finite = np.isfinite(self._qpos).all(axis=1) & np.isfinite(self._qvel).all(
            axis=1
        )
        warned = np.asarray(self.batch.warning).reshape(self.nsim, -1).any(axis=1)
        return np.asarray(~finite | warned)


def _lists(index: tuple[Any, ...]) -> list[Ids]:
    return [np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in index]


def _history_slots(model: Any, actuators: NDArray[np.intp]) -> list[slice]:
    """Where the values of each actuator's delay buffer sit in ``history``.

    A buffer is [user, cursor, times (nsample), values (nsample)].
    """
    slots = []
    for i in actuators:
        samples = model.actuator_history[i, 0]
        start = model.actuator_historyadr[i] + 2 + samples
        slots.append(slice(start, start + samples))
    return slots
