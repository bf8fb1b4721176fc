"""Plant: a stand-in for the real arm, with effects the training model lacks.

It is stepped by physics time, knows no ROS and no clock. What the training code does
in batches is written here again on purpose, one arm at a time: a shared mistake would
make simulator and stand-in agree with each other and with nothing else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.robot import RobotSpec

from .model import SpecHook, Values, build_model
from .plant_spec import PlantSpec, per_joint

Floats = NDArray[np.float64]

SLIP = 0.01
"""Velocity over which friction changes sign [rad/s]."""


@dataclass(frozen=True)
class JointReading:
    """What the arm's encoders say."""

    time: float
    """When it was measured [s]."""
    position: Floats
    """[rad], shape (n,)."""
    velocity: Floats
    """[rad/s], shape (n,)."""
    effort: Floats
    """Servo torque [Nm], shape (n,)."""


class Plant:
    """One arm under position servos, or under efforts with their loops off."""

    def __init__(
        self,
        robot: RobotSpec,
        spec: PlantSpec | None = None,
        *,
        joint_pos: Floats | None = None,
        folder: Path | None = None,
        hook: SpecHook | None = None,
    ) -> None:
        """Put the arm at rest.

        Args:
            robot: the arm.
            spec: its hidden truth; nominal where missing.
            joint_pos: start [rad]; the robot's home where missing.
            folder: folder of the spec, for a params file beside it.
            hook: adds a task's tool and objects to the model.

        Raises:
            ForearmError: the spec does not fit the robot.
        """
        self.robot, self.spec = robot, spec or PlantSpec()
        spec = self.spec
        values = spec.values(robot, folder)
        delay = float(values["command_delay"][0])
        values["command_delay"] = np.zeros(1)
        self.model = build_model(robot, values, timestep=spec.timestep, hook=hook)
        integrator = f"mjINT_{spec.integrator.upper()}"
        self.model.opt.integrator = getattr(mujoco.mjtIntegrator, integrator)
        self.data = mujoco.MjData(self.model)
        self._qpos = np.array(
            [self.model.joint(j).qposadr[0] for j in robot.joint_names]
        )
        self._dof = np.array([self.model.joint(j).dofadr[0] for j in robot.joint_names])
        followers = robot.gripper.mimic if robot.gripper and robot.grips else ()
        self._followers = [self.model.joint(j).qposadr[0] for j in followers]
        self._act = np.array([self.model.actuator(j).id for j in robot.joint_names])
        joints = [self.model.joint(j).id for j in robot.joint_names]
        self.model.jnt_actfrcrange[joints] *= spec.servo.saturation
        self._motor = np.array([joint.motor is not None for joint in robot.joints])
        self._gains = (
            self.model.actuator_gainprm[self._act].copy(),
            self.model.actuator_biasprm[self._act].copy(),
        )
        self._delay = spec.command_delay.mean + delay
        self._sensor_delay = spec.sensor.delay + float(values["sensor_delay"][0])
        self._bind_effects(values)
        self.reset(robot.home if joint_pos is None else joint_pos)

    def _bind_effects(self, values: Values) -> None:
        spec, n = self.spec, self.robot.n
        self._noise = _either(spec.sensor.noise, values["encoder_noise"], n)
        self._vel_noise = _either(
            spec.sensor.velocity_noise, values["velocity_noise"], n
        )
        self._quantum = _either(spec.sensor.quantization, values["encoder_step"], n)
        self._offset = _either(spec.sensor.offset, values["encoder_offset"], n)
        self._backlash = _either(spec.backlash, values["backlash"], n)
        self._stribeck = _either(spec.friction.stribeck, values["stribeck"], n)
        self._stribeck_velocity = _either(
            spec.friction.stribeck_velocity, values["stribeck_velocity"], n, default=0.1
        )
        self._load = _either(spec.friction.load_dependent, values["load_friction"], n)

    def reset(self, joint_pos: Floats, time: float = 0.0) -> None:
        """Put the arm at rest at ``joint_pos`` [rad], nothing in transit.

        Objects go back to where the model has them, and the noise begins anew: what
        follows is what a new plant would do.

        Args:
            joint_pos: where the arm shall be [rad], (n,).
            time: physics time from which it goes on [s].
        """
        self._rng = np.random.default_rng(self.spec.seed)
        mujoco.mj_resetData(self.model, self.data)
        self.data.time = time
        self._owed = 0.0
        self.data.qpos[self._qpos] = joint_pos
        self.data.qpos[self._followers] = joint_pos[-1]
        self._arrived = np.array(joint_pos, np.float64)
        self._driven = self._arrived.copy()
        self._transit: deque[tuple[float, Floats, bool]] = deque()
        self._switch(None)
        self._states: deque[JointReading] = deque()
        self.data.ctrl[self._act] = self._driven
        mujoco.mj_forward(self.model, self.data)
        self._remember()

    @property
    def time(self) -> float:
        """Physics time [s]."""
        return float(self.data.time)

    @property
    def joint_pos(self) -> Floats:
        """True joint positions [rad], shape (n,)."""
        return np.array(self.data.qpos[self._qpos])

    @property
    def joint_vel(self) -> Floats:
        """True joint velocities [rad/s], shape (n,)."""
        return np.array(self.data.qvel[self._dof])

    def command(self, joint_pos: Floats) -> None:
        """Send a position command [rad] (n,); it arrives later, or never.

        Raises:
            LimitError: wrong size or not finite.
        """
        self._send(joint_pos, effort=False)

    def command_effort(self, effort: Floats) -> None:
        """Send an effort [Nm] (n,) in the place of a position; the servo's loop is off.

        It holds until the next command arrives. What the arm's own controller carries
        of the links' weight comes on top, as before.

        Raises:
            LimitError: wrong size or not finite.
        """
        self._send(effort, effort=True)

    def _send(self, values: Floats, *, effort: bool) -> None:
        values = np.array(values, np.float64)
        if values.shape != (self.robot.n,) or not np.isfinite(values).all():
            raise LimitError(f"a command needs {self.robot.n} finite numbers")
        delay = self.spec.command_delay
        if delay.drop_rate and self._rng.random() < delay.drop_rate:
            return
        late = self._delay + delay.jitter * self._rng.standard_normal()
        due = self.time + max(late, 0.0)
        if self._transit:
            due = max(due, self._transit[-1][0])
        self._transit.append((due, values, effort))

    def advance(self, duration: float) -> None:
        """Let ``duration`` [s] pass, in whole physics steps; the rest comes later."""
        steps = round((self._owed + duration) / self.spec.timestep)
        self._owed += duration - steps * self.spec.timestep
        for _ in range(steps):
            self._step()

    def read(self) -> JointReading:
        """Return the newest joint state that has left the arm, with its noise."""
        wanted = self.time - self._sensor_delay + 1e-9
        while len(self._states) > 1 and self._states[1].time <= wanted:
            self._states.popleft()
        true = self._states[0]
        rng, n = self._rng, self.robot.n
        position = true.position + self._offset + self._noise * rng.standard_normal(n)
        step = np.where(self._quantum > 0, self._quantum, 1.0)
        position = np.where(
            self._quantum > 0, np.round(position / step) * step, position
        )
        velocity = true.velocity + self._vel_noise * rng.standard_normal(n)
        return JointReading(true.time, position, velocity, true.effort)

    def _step(self) -> None:
        self.data.ctrl[self._act] = self._drive()
        self.data.qfrc_applied[self._dof] = self._friction()
        mujoco.mj_step(self.model, self.data)
        self._remember()

    def _drive(self) -> Floats:
        """Return the servo's mean reference over the coming physics step [rad].

        A command that arrives within the step acts for the rest of it, so that a
        delay need not be a multiple of the step; an effort acts for all of it.
        """
        now, step = self.time, self.spec.timestep
        mean, begin = np.zeros(self.robot.n), now
        while self._transit and self._transit[0][0] < now + step - 1e-9:
            due, command, effort = self._transit.popleft()
            if effort or self._effort is not None:
                self._switch(command if effort else None)
            if effort:
                continue
            due = max(due, begin)
            mean += (due - begin) / step * self._play()
            self._arrived, begin = command, due
        if self._effort is not None:
            # A motor's voltage follows from a position only.
            away = self._effort / np.where(self._motor, self._gains[0][:, 4], 1.0)
            return np.where(self._motor, self.joint_pos + away, self._effort)
        return np.asarray(mean + (now + step - begin) / step * self._play())

    def _switch(self, effort: Floats | None) -> None:
        """Drive the joints by ``effort`` [Nm], or by the servos again (none)."""
        self._effort = effort
        gain, bias = (array.copy() for array in self._gains)
        if effort is not None:
            gain[~self._motor, 0], bias[~self._motor] = 1.0, 0.0
            gain[self._motor, 6] = 0.0
        self.model.actuator_gainprm[self._act] = gain
        self.model.actuator_biasprm[self._act] = bias

    def _play(self) -> Floats:
        # The play operator (Krasnosel'skii and Pokrovskii, 1989): the output only
        # moves once the input has crossed the gap.
        half = 0.5 * self._backlash
        self._driven = np.clip(self._driven, self._arrived - half, self._arrived + half)
        return self._driven

    def _friction(self) -> Floats:
        """Stribeck and load-dependent friction torque [Nm]."""
        velocity = self.data.qvel[self._dof]
        torque = self.data.qfrc_actuator[self._dof]
        level = self._stribeck * np.exp(-((velocity / self._stribeck_velocity) ** 2))
        level = level + self._load * np.abs(torque)
        return np.asarray(-level * np.tanh(velocity / SLIP))

    def _remember(self) -> None:
        effort = np.array(self.data.qfrc_actuator[self._dof])
        reading = JointReading(self.time, self.joint_pos, self.joint_vel, effort)
        self._states.append(reading)
        while self._states[-1].time - self._states[0].time > self._sensor_delay + 0.01:
            self._states.popleft()


def _either(
    given: float | list[float], value: Floats, n: int, default: float = 0.0
) -> Floats:
    """Return the plant's own value where it says one, else the params'."""
    array = per_joint(given, n, "value")
    return value if (array == default).all() else array
