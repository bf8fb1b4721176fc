"""Backends: how a command reaches the controller. Messages are built once, reused."""

from __future__ import annotations

from typing import Any, Protocol

from forearm.core.contract import Contract
from forearm.core.errors import UnknownNameError
from forearm.core.ros import newest_only

from .guard import GUARDED
from .limiter import Limiter
from .step import Step

FORWARD, TRAJECTORY = "forward", "trajectory"
VELOCITY, EFFORT = "velocity", "effort"
MESSAGES = {
    FORWARD: "std_msgs/msg/Float64MultiArray",
    TRAJECTORY: "trajectory_msgs/msg/JointTrajectory",
    VELOCITY: "std_msgs/msg/Float64MultiArray",
    EFFORT: "std_msgs/msg/Float64MultiArray",
}
"""Message type of each backend."""

POSITION_GAIN = 2.0
"""Velocity per position error of the velocity backend [1/s]: it only takes out drift,
well below the bandwidth of any servo."""


class Backend(Protocol):
    """Sends commands to one kind of controller."""

    topic: str
    publisher: Any

    def send(self, step: Step, limiter: Limiter, /) -> None:
        """Send the command of one period; ``limiter`` knows its way to rest."""


class ForwardBackend:
    """``forward_command_controller`` on the position interface."""

    def __init__(self, node: Any, controller: str, joints: list[str]) -> None:
        """Publish on ``<controller>/commands``."""
        from std_msgs.msg import Float64MultiArray

        self.topic = f"{controller}/commands"
        self.publisher = node.create_publisher(
            Float64MultiArray, self.topic, newest_only()
        )
        self._message = Float64MultiArray(data=[0.0] * len(joints))

    def send(self, step: Step, _limiter: Limiter, /) -> None:
        """Send the joint positions."""
        for i, value in enumerate(step.command):
            self._message.data[i] = value
        self.publisher.publish(self._message)


class TrajectoryBackend:
    """``joint_trajectory_controller``: each command carries its own way to rest.

    When nothing follows, the controller finishes the trajectory and the arm stands:
    holding on failure needs no one alive.
    """

    POINTS = 4
    """Points of the way to rest."""

    def __init__(
        self, node: Any, controller: str, joints: list[str], dt: float
    ) -> None:
        """Publish on ``<controller>/joint_trajectory``."""
        from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

        self.topic = f"{controller}/joint_trajectory"
        self.publisher = node.create_publisher(
            JointTrajectory, self.topic, newest_only()
        )
        self._point = JointTrajectoryPoint
        self._dt = dt
        # A zero stamp means: start now.
        self._message = JointTrajectory(joint_names=joints)

    def send(self, step: Step, limiter: Limiter) -> None:
        """Send the command, due in one period, and the stop behind it."""
        points = [self._make(self._dt, step.command, step.velocity)]
        for stop in limiter.stop_plan(self.POINTS):
            points.append(
                self._make(self._dt + stop.time, stop.position, stop.velocity)
            )
        self._message.points = points
        self.publisher.publish(self._message)

    def _make(self, time: float, position: list[float], velocity: list[float]) -> Any:
        point = self._point(positions=position, velocities=velocity)
        point.time_from_start.sec = int(time)
        point.time_from_start.nanosec = int((time - int(time)) * 1e9)
        return point


class VelocityBackend:
    """Velocities to the guard, never to the controller itself.

    The command's velocity, and a slow pull of the measured position towards the
    command while the policy drives. At rest it is exactly zero.
    """

    def __init__(self, node: Any, joints: list[str]) -> None:
        """Publish on the topic that the guard relays."""
        from std_msgs.msg import Float64MultiArray

        self.topic = f"~/{GUARDED}"
        self.publisher = node.create_publisher(
            Float64MultiArray, self.topic, newest_only()
        )
        self._message = Float64MultiArray(data=[0.0] * len(joints))

    def send(self, step: Step, limiter: Limiter) -> None:
        """Send the joint velocities."""
        pull = step.state.moves and not limiter.at_rest
        for i, velocity in enumerate(step.velocity):
            if pull:
                velocity += POSITION_GAIN * (step.command[i] - step.measured[i])
            self._message.data[i] = velocity
        self.publisher.publish(self._message)


class EffortBackend:
    """Positions and their velocities to the guard, which makes the efforts."""

    def __init__(self, node: Any, joints: list[str]) -> None:
        """Publish on the topic that the guard follows."""
        from std_msgs.msg import Float64MultiArray

        self.topic = f"~/{GUARDED}"
        self.publisher = node.create_publisher(
            Float64MultiArray, self.topic, newest_only()
        )
        self._message = Float64MultiArray(data=[0.0] * (2 * len(joints)))

    def send(self, step: Step, _limiter: Limiter, /) -> None:
        """Send the joint positions, then the joint velocities."""
        for i, value in enumerate((*step.command, *step.velocity)):
            self._message.data[i] = value
        self.publisher.publish(self._message)


def command_topic(kind: str, controller: str) -> str:
    """Return the topic on which a controller takes the commands of a back-end."""
    name = "joint_trajectory" if kind == TRAJECTORY else "commands"
    return f"{controller}/{name}"


def kind_of(contract: Contract) -> str:
    """Return the kind of backend for the controller that the contract names."""
    return FORWARD if contract.output.message == MESSAGES[FORWARD] else TRAJECTORY


def controller_of(contract: Contract, kind: str) -> str:
    """Return the name of the controller of a ``kind``.

    The contract names one; those of another kind have the arm's usual names.
    """
    if kind == kind_of(contract):
        return contract.output.controller
    names = contract.arm.ros
    if kind == VELOCITY:
        return names.velocity_controller
    if kind == EFFORT:
        return names.effort_controller
    return names.position_controller if kind == FORWARD else names.trajectory_controller


def make_backend(node: Any, contract: Contract, kind: str) -> Backend:
    """Return the backend of a ``kind``; ``auto`` is what the contract says.

    Raises:
        UnknownNameError: there is no such kind.
    """
    kind = kind_of(contract) if kind == "auto" else kind
    if kind not in MESSAGES:
        raise UnknownNameError("backend", kind, {"auto", *MESSAGES})
    controller, joints = controller_of(contract, kind), contract.joints
    if kind == FORWARD:
        return ForwardBackend(node, controller, joints)
    if kind == TRAJECTORY:
        return TrajectoryBackend(node, controller, joints, contract.control_dt)
    if kind == EFFORT:
        return EffortBackend(node, joints)
    return VelocityBackend(node, joints)
