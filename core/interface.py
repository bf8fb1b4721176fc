"""The policy's senses and its command, written once over the array API.

Training calls these functions with numpy on the whole batch; the exporter traces the
same functions with torch. There is no second implementation to drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from array_api_compat import array_namespace

from .errors import LimitError, UnknownNameError
from .kinematics import (
    Array,
    Kinematics,
    Pose,
    joint_gradient,
    rotation_error,
    rotation_from_quat_wxyz,
)
from .robot import RobotSpec

Sensors = Mapping[str, Array]
"""Named sensor arrays in SI units, each of shape (..., size)."""


@dataclass(frozen=True)
class Sensor:
    """One named input of a policy."""

    size: int
    """Number of values; 0 stands for one per joint."""
    unit: str
    """SI unit, per value."""
    kind: str
    """``robot`` (measured), ``memory`` (the policy's own past), or ``task`` (given)."""


SENSORS: dict[str, Sensor] = {
    "joint_pos": Sensor(0, "rad", "robot"),
    "joint_vel": Sensor(0, "rad/s", "robot"),
    "previous_command": Sensor(0, "rad", "memory"),
    "previous_command_vel": Sensor(0, "rad/s", "memory"),
    "target_position": Sensor(3, "m", "task"),
    "target_quat_wxyz": Sensor(4, "1", "task"),
    "target_velocity": Sensor(3, "m/s", "task"),
    "object_position": Sensor(3, "m", "task"),
    "object_quat_wxyz": Sensor(4, "1", "task"),
}
"""Every sensor a policy may name; a robot must be able to produce what it uses."""


@dataclass(frozen=True)
class Sensed:
    """What observation terms are functions of: sensors and the pose they imply."""

    sensors: Sensors
    """Named sensor arrays."""
    robot: RobotSpec
    """The arm."""
    pose: Pose
    """Tool pose computed from the *sensed* joint positions."""

    @cached_property
    def position_error(self) -> Array:
        """Target minus tool position [m], shape (..., 3)."""
        return self.sensors["target_position"] - self.pose.position

    @cached_property
    def rotation_error(self) -> Array:
        """Axis times 2 sin(angle/2) from tool to target, shape (..., 3)."""
        target = rotation_from_quat_wxyz(self.sensors["target_quat_wxyz"])
        return rotation_error(self.pose.rotation, target)

    @cached_property
    def tool_to_object(self) -> Array:
        """Object minus tool position [m], shape (..., 3)."""
        return self.sensors["object_position"] - self.pose.position

    def lever_gradient(self, linear: Array) -> Array:
        """J_v^T linear, (..., arm_n): how each joint moves the tool along it."""
        return joint_gradient(self.pose, linear, 0.0 * linear)[0]

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        """J_v^T position_error [m] and J_w^T rotation_error [1], (..., arm_n) each."""
        return joint_gradient(self.pose, self.position_error, self.rotation_error)


@dataclass(frozen=True)
class Term:
    """One observation term: which sensors it needs and how it is computed."""

    needs: tuple[str, ...]
    """Sensors the term reads besides ``joint_pos``."""
    compute: Callable[[Sensed], Array]
    """From :class:`Sensed` to an array of shape (..., k), of order one."""
    size: int
    """k; 0 stands for one per joint, :data:`ARM` for one per joint of the arm."""

    def width(self, robot: RobotSpec) -> int:
        """Return k on ``robot``."""
        return robot.arm_n if self.size == ARM else self.size or robot.n


ARM = -1
"""Size marker: one value per joint of the kinematic chain, none for the gripper."""


def _scaled(s: Sensed, value: Array) -> Array:
    """Bring a gripper's metres to order one; radians stay as they are."""
    if not s.robot.grips:
        return value
    xp = array_namespace(value)
    return value * xp.asarray(s.robot.scale, dtype=value.dtype, device=value.device)


def _centred_joint_pos(s: Sensed) -> Array:
    joint_pos = s.sensors["joint_pos"]
    xp = array_namespace(joint_pos)
    home = xp.asarray(s.robot.home, dtype=joint_pos.dtype, device=joint_pos.device)
    return _scaled(s, joint_pos - home)


def _saturate(value: Array) -> Array:
    """Keep small values and squash large ones into (-1, 1)."""
    xp = array_namespace(value)
    return xp.tanh(value)


def _two_axes(rotation: Array) -> Array:
    """Return the x and y axes, (..., 6): a rotation without jumps or double cover.

    Zhou et al., On the Continuity of Rotation Representations, CVPR 2019.
    """
    xp = array_namespace(rotation)
    return xp.concat([rotation[..., :, 0], rotation[..., :, 1]], axis=-1)


TERMS: dict[str, Term] = {
    "joint_pos": Term((), _centred_joint_pos, 0),
    "joint_vel": Term(("joint_vel",), lambda s: _scaled(s, s.sensors["joint_vel"]), 0),
    "command_lead": Term(
        ("previous_command",),
        lambda s: _scaled(
            s, 10.0 * (s.sensors["previous_command"] - s.sensors["joint_pos"])
        ),
        0,
    ),
    "previous_command_vel": Term(
        ("previous_command_vel",),
        lambda s: _scaled(s, s.sensors["previous_command_vel"]),
        0,
    ),
    "tool_position": Term((), lambda s: s.pose.position, 3),
    "tool_axis": Term((), lambda s: s.pose.rotation[..., :, 2], 3),
    "position_error": Term(("target_position",), lambda s: 5.0 * s.position_error, 3),
    "rotation_error": Term(("target_quat_wxyz",), lambda s: s.rotation_error, 3),
    "position_gradient": Term(
        ("target_position", "target_quat_wxyz"), lambda s: 5.0 * s.gradient[0], ARM
    ),
    "rotation_gradient": Term(
        ("target_position", "target_quat_wxyz"), lambda s: s.gradient[1], ARM
    ),
    "fine_position_error": Term(
        ("target_position",), lambda s: _saturate(50.0 * s.position_error), 3
    ),
    "target_velocity": Term(
        ("target_velocity",), lambda s: 2.0 * s.sensors["target_velocity"], 3
    ),
    "tool_to_object": Term(("object_position",), lambda s: 5.0 * s.tool_to_object, 3),
    "object_gradient": Term(
        ("object_position",), lambda s: 5.0 * s.lever_gradient(s.tool_to_object), ARM
    ),
    "object_to_target": Term(
        ("object_position", "target_position"),
        lambda s: 5.0 * (s.sensors["target_position"] - s.sensors["object_position"]),
        3,
    ),
    "object_position": Term(
        ("object_position",), lambda s: s.sensors["object_position"], 3
    ),
    "target_position": Term(
        ("target_position",), lambda s: s.sensors["target_position"], 3
    ),
    "tool_axes": Term((), lambda s: _two_axes(s.pose.rotation), 6),
    "target_axes": Term(
        ("target_quat_wxyz",),
        lambda s: _two_axes(rotation_from_quat_wxyz(s.sensors["target_quat_wxyz"])),
        6,
    ),
}
"""Every observation term by name."""


@dataclass(frozen=True, kw_only=True)
class CommandLimits:
    """What the policy itself never exceeds, as fractions of the robot's limits."""

    velocity: float = 0.5
    """Fraction of the joint velocity limit."""
    acceleration: float = 0.8
    """Fraction of the joint acceleration limit."""
    margin: float = 0.02
    """Distance kept from the position limits [rad]."""

    def __post_init__(self) -> None:
        """Refuse fractions outside (0, 1] and a negative margin.

        Raises:
            LimitError: a number is out of its range.
        """
        for name in ("velocity", "acceleration"):
            if not 0 < getattr(self, name) <= 1:
                raise LimitError(f"command {name} fraction must lie in (0, 1]")
        if self.margin < 0:
            raise LimitError("command margin must not be negative")


class Interface:
    """From named sensors to an observation, and from an action to a joint command."""

    def __init__(
        self,
        robot: RobotSpec,
        terms: tuple[str, ...],
        control_dt: float,
        limits: CommandLimits | None = None,
    ) -> None:
        """Bind observation ``terms`` to a ``robot`` at a control period [s].

        Raises:
            UnknownNameError: a term does not exist.
            LimitError: the control period is not positive.
        """
        for term in terms:
            if term not in TERMS:
                raise UnknownNameError("observation term", term, TERMS)
        if not control_dt > 0:
            raise LimitError(f"control period must be positive, got {control_dt} s")
        self.robot = robot
        self.terms = terms
        self.control_dt = control_dt
        self.limits = limits or CommandLimits()
        self._kinematics = Kinematics(robot)
        needed = {"joint_pos", "previous_command", "previous_command_vel"}
        needed.update(*(TERMS[term].needs for term in terms))
        self.sensors: dict[str, int] = {
            name: sensor.size or robot.n
            for name, sensor in SENSORS.items()
            if name in needed
        }
        """Size of each input the policy reads, in the order of ``SENSORS``."""
        self.observation_size = sum(TERMS[t].width(robot) for t in terms)
        """Length of the observation."""
        self.action_size = robot.n
        """Length of the action."""

    def observe(self, sensors: Sensors, pose: Pose | None = None) -> Array:
        """Return the observation (..., observation_size) for named sensors.

        Args:
            sensors: arrays as in :attr:`sensors`, all of the same library and type.
            pose: the tool pose of ``sensors["joint_pos"]`` where already known.
        """
        joint_pos = sensors["joint_pos"]
        xp = array_namespace(joint_pos)
        sensed = Sensed(sensors, self.robot, pose or self._kinematics(joint_pos))
        return xp.concat([TERMS[term].compute(sensed) for term in self.terms], axis=-1)

    def command(self, action: Array, sensors: Sensors) -> Array:
        """Return the joint position command [rad] (..., n) for an action in [-1, 1].

        The action is a joint velocity as a fraction of the policy's own velocity
        limit. The command follows it within the acceleration limit and slows down
        early enough to stop before a position limit, so that a limiter behind the
        policy has nothing left to do.
        """
        xp = array_namespace(action)
        previous = sensors["previous_command"]
        previous_vel = sensors["previous_command_vel"]
        options = {"dtype": action.dtype, "device": action.device}
        dt = self.control_dt
        limit = self.limits
        top = xp.asarray(self.robot.vector("velocity") * limit.velocity, **options)
        acc = xp.asarray(
            self.robot.vector("acceleration") * limit.acceleration, **options
        )
        # A finger in metres needs no distance in radians.
        slides = np.array([joint.prismatic for joint in self.robot.joints])
        margin = np.where(slides, 0.0, limit.margin)
        lower = xp.asarray(self.robot.lower + margin, **options)
        upper = xp.asarray(self.robot.upper - margin, **options)
        wish = xp.clip(action, -1.0, 1.0) * top
        step = acc * dt
        velocity = previous_vel + _clip(xp, wish - previous_vel, -step, step)
        fastest = _braking_velocity(xp, upper - previous, acc, dt)
        slowest = -_braking_velocity(xp, previous - lower, acc, dt)
        velocity = _clip(xp, velocity, slowest, fastest)
        velocity = _clip(xp, velocity, -top, top)
        return _clip(xp, previous + velocity * dt, lower, upper)


def _clip(xp: Array, value: Array, low: Array, high: Array) -> Array:
    return xp.minimum(xp.maximum(value, low), high)


def _braking_velocity(xp: Array, distance: Array, acc: Array, dt: float) -> Array:
    """Largest v for which one step plus braking, v dt + v^2 / (2 a), fits."""
    room = xp.maximum(distance, xp.zeros_like(distance))
    return acc * (xp.sqrt(dt * dt + 2.0 * room / acc) - dt)


def zeros(sensors: Mapping[str, int], batch: int) -> dict[str, np.ndarray]:
    """Return float32 buffers (batch, size) for the inputs of an interface."""
    return {name: np.zeros((batch, size), np.float32) for name, size in sensors.items()}
