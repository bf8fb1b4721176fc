"""RobotSpec: what an arm is, in numbers with units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import LimitError, UnknownNameError

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class JointSpec:
    """One revolute joint: where it sits, how far and how fast it may move."""

    name: str
    """Joint name as in ``/joint_states``."""
    xyz: Vector3
    """Origin in the parent link frame, URDF convention [m]."""
    rpy: Vector3
    """Roll, pitch, yaw of the origin in the parent link frame [rad]."""
    axis: Vector3 = (0.0, 0.0, 1.0)
    """Rotation axis in the joint frame, a unit vector."""
    lower: float
    """Lower position limit [rad]."""
    upper: float
    """Upper position limit [rad]."""
    velocity: float
    """Velocity limit [rad/s]."""
    acceleration: float
    """Acceleration limit [rad/s^2]."""
    jerk: float
    """Jerk limit [rad/s^3]."""
    effort: float
    """Torque limit at the joint [Nm]."""
    home: float
    """Rest position, the centre of what tasks sample [rad]."""
    kp: float
    """Position gain of the servo [Nm/rad]."""
    kv: float
    """Velocity gain of the servo [Nm s/rad]."""
    armature: float
    """Reflected rotor inertia [kg m^2]."""
    viscous: float
    """Viscous friction [Nm s/rad]."""
    coulomb: float
    """Coulomb friction [Nm]."""

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other; never repair them.

        Raises:
            LimitError: a number is not finite, not positive or out of order.
        """
        for name in ("velocity", "acceleration", "jerk", "effort", "kp"):
            _require(getattr(self, name) > 0, self.name, name, "must be positive")
        for name in ("kv", "armature", "viscous", "coulomb"):
            _require(getattr(self, name) >= 0, self.name, name, "must not be negative")
        _require(self.lower < self.upper, self.name, "lower", "must be below upper")
        inside = self.lower <= self.home <= self.upper
        _require(inside, self.name, "home", "must lie between lower and upper")
        numbers = [getattr(self, f.name) for f in fields(self) if f.name != "name"]
        finite = np.isfinite(np.hstack(numbers)).all()
        _require(bool(finite), self.name, "numbers", "must all be finite")
        unit = math.isclose(math.hypot(*self.axis), 1.0, abs_tol=1e-9)
        _require(unit, self.name, "axis", "must be a unit vector")


def _require(condition: bool, joint: str, name: str, rule: str) -> None:
    if not condition:
        raise LimitError(f"joint {joint!r}: {name} {rule}")


@dataclass(frozen=True, kw_only=True)
class RosNames:
    """Default ROS 2 names of an arm under ``ros2_control``."""

    joint_states: str = "joint_states"
    """Topic of ``sensor_msgs/JointState``."""
    position_controller: str = "forward_position_controller"
    """``forward_command_controller``; takes ``~/commands`` Float64MultiArray."""
    trajectory_controller: str = "joint_trajectory_controller"
    """Takes ``~/joint_trajectory`` ``trajectory_msgs/JointTrajectory``."""
    target: str = "target_pose"
    """Topic of ``geometry_msgs/PoseStamped``, the goal of the policy."""


@dataclass(frozen=True, kw_only=True)
class RobotSpec:
    """An arm: joints in order, tool frame, MJCF asset and where numbers come from."""

    name: str
    """Short name, as on the command line."""
    title: str
    """Maker and model."""
    joints: tuple[JointSpec, ...]
    """Joints from the base to the tool."""
    tool_frame: str
    """Name of the tool site in the MJCF and of the frame in ROS."""
    tool_xyz: Vector3
    """Tool frame in the last link [m]."""
    tool_rpy: Vector3
    """Roll, pitch, yaw of the tool frame in the last link [rad]."""
    asset: str
    """MJCF file in ``sim/assets`` or a path."""
    payload_limit: float
    """Largest payload the maker allows [kg]."""
    ros: RosNames = field(default_factory=RosNames)
    """Default ROS 2 names."""
    sources: dict[str, str] = field(default_factory=dict)
    """Where each group of numbers comes from."""

    def __post_init__(self) -> None:
        """Refuse an arm without joints or with a joint named twice.

        Raises:
            LimitError: there is no joint, or a name repeats.
        """
        names = [joint.name for joint in self.joints]
        if not names or len(set(names)) != len(names):
            raise LimitError(
                f"robot {self.name!r}: joint names must be unique: {names}"
            )

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names from the base to the tool."""
        return tuple(joint.name for joint in self.joints)

    def vector(self, name: str) -> NDArray[np.float64]:
        """Return one :class:`JointSpec` number for all joints, shape (n,).

        Raises:
            UnknownNameError: ``name`` is not a number of a joint.
        """
        valid = {f.name for f in fields(JointSpec)} - {"name", "xyz", "rpy", "axis"}
        if name not in valid:
            raise UnknownNameError("joint number", name, valid)
        return np.array([getattr(joint, name) for joint in self.joints])

    @cached_property
    def lower(self) -> NDArray[np.float64]:
        """Lower position limits [rad], shape (n,)."""
        return self.vector("lower")

    @cached_property
    def upper(self) -> NDArray[np.float64]:
        """Upper position limits [rad], shape (n,)."""
        return self.vector("upper")

    @cached_property
    def home(self) -> NDArray[np.float64]:
        """Rest position [rad], shape (n,)."""
        return self.vector("home")
