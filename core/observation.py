"""What a policy may observe: sensors by name, and terms computed from them.

Every term is a function over the array API, called with numpy in training and traced
with torch at export.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .arrays import Array, array_namespace
from .kinematics import (
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
