"""RobotSpec: what an arm is, in numbers with units.

The gripper. An arm may carry one (:attr:`RobotSpec.gripper`). ``get_robot(name)`` is
the arm alone: the gripper stays at its home position and appears nowhere, so policies,
params and logs of a reaching arm hold the arm's joints and nothing else.
:meth:`RobotSpec.with_gripper` is the same arm with the gripper's joint as the *last*
joint. It travels the way of every joint from there on: one more entry in ``joint_pos``,
``joint_vel``, the limits, the contract's ``joints`` and ``joint_command``. Only the
kinematic chain and the observation's gradients leave it out (:attr:`RobotSpec.arm_n`).
A prismatic finger is in metres (m/s, N, N/m, ...) wherever a joint is in radians, and
:attr:`RobotSpec.scale` makes it of order one in observations. Fingers that follow it
(:attr:`GripperSpec.mimic`) exist in the MJCF only, held by an equality constraint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import LimitError, UnknownNameError

Vector3 = tuple[float, float, float]


_NOT_NEGATIVE = (
    "kv",
    "armature",
    "viscous",
    "coulomb",
    "load_friction",
    "encoder_step",
)
_OTHER = {"name", "prismatic", "motor"}


@dataclass(frozen=True, kw_only=True)
class MotorSpec:
    """A DC motor behind its gear, seen at the joint: torque = (K / R) (v - K speed).

    MuJoCo's ``dcmotor`` with its position controller: an ideal servo with ``kp`` and
    ``kv`` up to the voltage that the supply gives; beyond, the torque falls with speed.
    """

    voltage: float
    """Supply [V]."""
    constant: float
    """Torque and back-EMF constant K at the joint [Nm/A = V s/rad]."""
    resistance: float
    """Terminal resistance R [Ohm]."""

    def __post_init__(self) -> None:
        """Refuse a motor that cannot turn.

        Raises:
            LimitError: a number is not positive and finite.
        """
        for name in ("voltage", "constant", "resistance"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise LimitError(f"motor {name} must be positive, got {value}")

    @property
    def damping(self) -> float:
        """Back-EMF damping K^2 / R [Nm s/rad]: ``kv`` of a servo without its own."""
        return self.constant**2 / self.resistance


@dataclass(frozen=True, kw_only=True)
class JointSpec:
    """One joint: where it sits, how far and how fast it may move.

    Revolute, in radians and Nm; a prismatic gripper finger is in metres and N.
    """

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
    load_friction: float = 0.0
    """Friction per transmitted torque [1]."""
    encoder_step: float = 0.0
    """Resolution of the position sensor [rad]; 0 where it does not matter."""
    prismatic: bool = False
    """It slides; only a gripper may."""
    motor: MotorSpec | None = None
    """The motor where it limits the joint; none for an ideal servo."""

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other; never repair them.

        Raises:
            LimitError: a number is not finite, not positive or out of order.
        """
        for name in ("velocity", "acceleration", "jerk", "effort", "kp"):
            _require(getattr(self, name) > 0, self.name, name, "must be positive")
        for name in _NOT_NEGATIVE:
            _require(getattr(self, name) >= 0, self.name, name, "must not be negative")
        _require(self.lower < self.upper, self.name, "lower", "must be below upper")
        inside = self.lower <= self.home <= self.upper
        _require(inside, self.name, "home", "must lie between lower and upper")
        numbers = [getattr(self, f.name) for f in fields(self) if f.name not in _OTHER]
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
    velocity_controller: str = "forward_velocity_controller"
    """``forward_command_controller`` on velocities; only ever behind the guard."""
    effort_controller: str = "forward_effort_controller"
    """``JointGroupEffortController``; takes efforts, only ever from the guard."""
    trajectory_controller: str = "joint_trajectory_controller"
    """Takes ``~/joint_trajectory`` ``trajectory_msgs/JointTrajectory``."""
    target: str = "target_pose"
    """Topic of ``geometry_msgs/PoseStamped``, the goal of the policy."""
    target_twist: str = "target_twist"
    """Topic of ``geometry_msgs/TwistStamped``, the velocity of a goal that moves."""
    object: str = "object_pose"
    """Topic of ``geometry_msgs/PoseStamped``, where the object to handle is."""


@dataclass(frozen=True, kw_only=True)
class GripperSpec:
    """A gripper with one commanded joint."""

    joint: JointSpec
    """The commanded joint; its ``home`` is where it stays while nobody commands it."""
    open: float
    """Joint position when wide open [rad or m]."""
    closed: float
    """Joint position when closed on nothing [rad or m]."""
    mimic: tuple[str, ...] = ()
    """Joints of the MJCF that follow the commanded one, held by its equalities."""


@dataclass(frozen=True, kw_only=True)
class RobotSpec:
    """An arm: joints in order, tool frame, MJCF asset and where numbers come from."""

    name: str
    """Short name, as on the command line."""
    title: str
    """Maker and model."""
    joints: tuple[JointSpec, ...]
    """Joints from the base to the tool; the gripper's last in :meth:`with_gripper`."""
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
    gripper: GripperSpec | None = None
    """The gripper the arm carries, commanded or not."""
    gravity_compensated: bool = True
    """Its controller carries the links' weight, under commanded efforts too; hobby
    servos do not."""
    ros: RosNames = field(default_factory=RosNames)
    """Default ROS 2 names."""
    sources: dict[str, str] = field(default_factory=dict, hash=False)
    """Where each group of numbers comes from."""

    def __post_init__(self) -> None:
        """Refuse an arm without joints, with one named twice or one that slides.

        Raises:
            LimitError: there is no joint, a name repeats, an arm joint is prismatic.
        """
        names = [joint.name for joint in self.joints]
        if not names or len(set(names)) != len(names):
            raise LimitError(
                f"robot {self.name!r}: joint names must be unique: {names}"
            )
        if any(joint.prismatic for joint in self.joints[: self.arm_n]):
            raise LimitError(f"robot {self.name!r}: only its gripper may slide")

    @property
    def grips(self) -> bool:
        """The gripper is commanded: its joint is the last of :attr:`joints`."""
        return self.gripper is not None and self.joints[-1] == self.gripper.joint

    @property
    def arm_n(self) -> int:
        """Number of joints of the kinematic chain, without the gripper."""
        return len(self.joints) - self.grips

    @property
    def arm(self) -> RobotSpec:
        """The same arm with its gripper left alone."""
        return replace(self, joints=self.joints[: self.arm_n]) if self.grips else self

    def with_gripper(self) -> RobotSpec:
        """Return the same arm with its gripper commanded as the last joint.

        Raises:
            LimitError: the arm has no gripper.
        """
        if self.gripper is None:
            raise LimitError(f"robot {self.name!r} has no gripper")
        if self.grips:
            return self
        return replace(self, joints=(*self.joints, self.gripper.joint))

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
        valid = {f.name for f in fields(JointSpec)} - {"xyz", "rpy", "axis"} - _OTHER
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

    @cached_property
    def scale(self) -> NDArray[np.float64]:
        """What makes joint positions of order one [1/rad or 1/m], shape (n,).

        One for a revolute joint, one over half its range for a prismatic one.
        """
        half = 0.5 * (self.upper - self.lower)
        slides = np.array([joint.prismatic for joint in self.joints])
        return np.where(slides, 1.0 / half, 1.0)
