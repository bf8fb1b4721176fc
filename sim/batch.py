"""ArmBatch: many simulated arms on all cores, bound to names once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import mujoco
import mujoco.batch
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.robot import RobotSpec

from .friction import NEEDS as FRICTION_NEEDS
from .friction import Backlash, Friction, renewals
from .kernels import compiled, read
from .model import LONGEST_DELAY, TIMESTEP, FieldMap, SpecHook, Values, build_model
from .quantities import EPISODE, QUANTITIES, all_nominal, get_quantity

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]

CONST_FIELDS = {"body_mass", "body_inertia", "body_ipos", "body_iquat", "dof_armature"}
"""Fields whose derived constants (``dof_M0``, ``body_subtreemass``, …) follow."""

TORQUE = "qfrc_actuator"
"""Where MuJoCo says what the joints transmit [Nm]."""


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
        coarse: bool = False,
        longest_delay: float = LONGEST_DELAY,
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
            coarse: renew gear friction once a control period instead of each 4 ms.
            longest_delay: command delay that the servos' buffers hold [s]; they are
                most of a simulation's state.

        Raises:
            LimitError: ``nsim`` is not positive or the periods do not divide.
        """
        if nsim < 1:
            raise LimitError(f"a batch needs at least one simulation, got {nsim}")
        self.robot = robot
        self.nsim = nsim
        self.decimation = decimation(control_dt, timestep)
        self.longest_delay = min(longest_delay, LONGEST_DELAY)
        """Command delay that the servos' buffers hold [s]."""
        build = partial(build_model, robot, timestep=timestep, hook=hook)
        self.model = build(values, longest_delay=self.longest_delay)
        self.batch = mujoco.batch.Batch(self.model, nsim, nthread)
        self._map = FieldMap(build(), robot)
        self._bind_state()
        complete = {**all_nominal(robot), **(values or {})}
        self.values: dict[str, Floats] = {
            name: np.repeat(complete[name][None], nsim, axis=0) for name in QUANTITIES
        }
        """Parameter values in force, (nsim, size) each; change with `set_values`."""
        self._bind_gears(renewals(self.decimation, timestep, coarse=coarse))

    def _bind_state(self) -> None:
        robot = self.robot
        mimic = robot.gripper.mimic if robot.gripper and robot.grips else ()
        followers = [self.model.joint(name).qposadr[0] for name in mimic]
        self._followers = np.array(followers, np.intp)
        self._qpos = self.batch.bind("qpos")
        self._qvel = self.batch.bind("qvel")
        self._ctrl = self.batch.bind("ctrl")
        self._history = self.batch.bind("history")
        self._history_values = _history_slots(self.model, self._map.actuator)

    def _bind_gears(self, schedule: list[int]) -> None:
        self._renewals = schedule
        shapes = {nstep: (self.nsim, nstep, self.model.nv) for nstep in schedule}
        self._torque = {nstep: {TORQUE: np.zeros(s)} for nstep, s in shapes.items()}
        self._friction, self._backlash = Friction(self.values), Backlash(self.values)
        self._at_qpos, self._at_dof = _span(self._map.qpos), _span(self._map.dof)
        self._at_servo = _span(self._map.actuator)

    def set_values(self, ids: Ids, values: Mapping[str, Floats]) -> None:
        """Give simulations ``ids`` new parameter values, each (len(ids), size).

        Parameters that are not named keep their value. Fields become per-simulation
        and derived constants are computed again only where a value needs it.

        Raises:
            UnknownNameError: a parameter does not exist.
            LimitError: a value is not finite or outside what is physical.
        """
        for name, value in values.items():
            quantity = get_quantity(name)
            # NaN compares false, so it is refused here too.
            if not ((value >= quantity.minimum) & (value <= quantity.maximum)).all():
                raise LimitError(
                    f"{name} must lie in {quantity.valid}, got {value.min():g} to "
                    f"{value.max():g}"
                )
            self.values[name][ids] = value
        if "command_delay" in values:
            self._check_delay(float(values["command_delay"].max()))
        if EPISODE.keys() >= values.keys() and "contact_friction" not in values:
            return  # Nothing that the model or a gear knows.
        chosen = {name: value[ids] for name, value in self.values.items()}
        fields = self._map.fields(chosen, values.keys())
        for field, (index, array) in fields.items():
            where = np.ix_(ids, *_lists(index, self.batch.expand(field).shape[1:]))
            self.batch.expand(field)[where] = array
        if not CONST_FIELDS.isdisjoint(fields):
            self.batch.set_const(ids)
        if not values.keys().isdisjoint(FRICTION_NEEDS):
            self._friction.changed()

    def _check_delay(self, delay: float) -> None:
        if delay > self.longest_delay + 1e-9:
            raise LimitError(
                f"a command delay of {delay:g} s does not fit the servos' buffers; "
                f"valid: at most {self.longest_delay:g} s, what the randomization asks "
                "for; give longest_delay to hold more"
            )

    def reset(self, ids: Ids, joint_pos: Floats) -> None:
        """Put simulations ``ids`` at rest at ``joint_pos`` [rad] (len(ids), n).

        The servos, their delay buffers and the gears' play hold that position.
        """
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._qpos[ids[:, None], self._map.qpos] = joint_pos
        if len(self._followers):
            self._qpos[ids[:, None], self._followers] = joint_pos[:, -1:]
        self.set_command(ids, joint_pos)
        for slot, joint in zip(self._history_values, joint_pos.T, strict=True):
            self._history[ids, slot] = joint[:, None]
        self._friction.reset(ids)
        self._backlash.reset(ids, joint_pos)

    def set_command(self, ids: Ids, command: Floats) -> None:
        """Set the joint position command [rad] (len(ids), n) without stepping."""
        self._ctrl[ids[:, None], self._map.actuator] = command

    def set_delay(self, delay: Floats) -> None:
        """Delay what each servo receives from now on by ``delay`` [s], (nsim,)."""
        self._delay[:, self._at_servo] = delay[:, None]

    @cached_property
    def _delay(self) -> Floats:
        return np.asarray(self.batch.expand("actuator_delay"))

    @cached_property
    def timestep(self) -> Floats:
        """Physics time step of each simulation [s], (nsim,)."""
        return np.asarray(self.batch.expand("opt.timestep"))

    @cached_property
    def external_force(self) -> Floats:
        """Force [N] and torque [Nm] on each body, world frame, (nsim, nbody, 6)."""
        return np.asarray(self.batch.bind("xfrc_applied"))

    def step(self, command: NDArray[np.floating]) -> None:
        """Advance every simulation by one control period under ``command`` [rad]."""
        self._backlash.drive(command, self._ctrl, self._map.actuator)
        if not self._friction.active:
            self.batch.step(nstep=self.decimation)
            return
        dofs = self._map.dof
        for nstep in self._renewals:
            torque = self._torque[nstep]
            self._friction.write_bound(self._qvel, dofs, self._frictionloss)
            self.batch.rollout(nstep, record=(TORQUE,), out=torque)
            self._friction.transmitted(torque[TORQUE], dofs)

    @cached_property
    def _frictionloss(self) -> Floats:
        return np.asarray(self.batch.expand("dof_frictionloss"))

    @property
    def joint_pos(self) -> Floats:
        """True joint positions [rad], (nsim, n)."""
        return np.array(self._qpos[:, self._at_qpos])

    @property
    def joint_vel(self) -> Floats:
        """True joint velocities [rad/s], (nsim, n)."""
        return np.array(self._qvel[:, self._at_dof])

    def read(self, motion: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Write true joint positions [rad] and velocities [rad/s] to ``motion``.

        Args:
            motion: positions, then velocities, (nsim, 2n).

        Returns:
            Which simulations raised a MuJoCo warning or left the numbers, (nsim,).
        """
        unsound = np.empty(self.nsim, np.bool_)
        warning = self.batch.warning.reshape(self.nsim, -1)
        at = self._map.qpos, self._map.dof
        compiled(read)(self._qpos, self._qvel, warning, *at, motion, unsound)
        return unsound

    def unstable(self) -> NDArray[np.bool_]:
        """Return which simulations raised a MuJoCo warning or left the numbers."""
        return self.read(np.empty((self.nsim, 2 * self.robot.n), np.float32))


def _span(ids: Ids) -> Ids | slice:
    """Return ``ids`` as a slice where they are neighbours: a view instead of a copy."""
    first, count = int(ids[0]), len(ids)
    if (ids == np.arange(first, first + count)).all():
        return slice(first, first + count)
    return ids


def _lists(index: tuple[Any, ...], shape: tuple[int, ...]) -> list[Ids]:
    return [
        np.arange(size)[i] if isinstance(i, slice) else i
        for i, size in zip(index, shape, strict=False)
    ]


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
