"""TaskRunner: reach episodes over real ROS, judged from the joint states.

It publishes one target pose after the other, waits a fixed episode time, and says
from forward kinematics of ``joint_states`` whether the tool was there and stayed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

from forearm.core.errors import ForearmError
from forearm.core.kinematics import (
    Kinematics,
    quat_wxyz_from_rotation,
    rotation_angle,
    rotation_from_quat_wxyz,
)
from forearm.core.robot import RobotSpec
from forearm.core.ros import Spinner, leave, newest_only, session

from .operator_ros import Operator

Floats = NDArray[np.float64]

START = 30.0
"""Longest wait for the node's policy to drive [s]."""

REPUBLISH = 0.1
"""Period at which the target is sent again, for those who join late [s]."""


@dataclass(frozen=True, kw_only=True)
class ReachTask:
    """What counts as a success."""

    position_tolerance: float = 0.02
    """[m]"""
    angle_tolerance: float = 0.2
    """[rad]"""
    hold_time: float = 0.5
    """How long the tool must have stayed within both at the end [s]."""
    episode_time: float = 4.0
    """[s]"""

    @classmethod
    def from_info(cls, info: dict[str, Any]) -> ReachTask:
        """Take the fields that a contract's ``task_info`` has.

        Raises:
            ForearmError: a tolerance or time is not a positive number.
        """
        known = {k: info[k] for k in cls.__dataclass_fields__ if k in info}
        for name, value in known.items():
            if not isinstance(value, (int, float)) or not value > 0:
                raise ForearmError(f"task_info {name} must be positive, got {value!r}")
        return cls(**known)


@dataclass(frozen=True)
class Target:
    """A tool pose in the base frame."""

    position: tuple[float, float, float]
    """[m]"""
    quat_wxyz: tuple[float, float, float, float]
    """Unit quaternion."""


@dataclass(frozen=True)
class Outcome:
    """How one episode ended."""

    success: bool
    """Whether the tool was within both tolerances over the hold time at the end."""
    position_error: float
    """Last distance to the target [m]."""
    angle_error: float
    """Last angle to the target [rad]."""
    states: int
    """Joint states received."""


class TaskRunner:
    """Publishes targets and judges what the arm does with them."""

    def __init__(
        self,
        robot: RobotSpec,
        task: ReachTask,
        context: Any,
        namespace: str = "",
        policy: str = "forearm_policy",
    ) -> None:
        """Connect to the arm and the node called ``policy`` in ``namespace``."""
        self._robot, self._task = robot, task
        self._kinematics = Kinematics(robot)
        self._node = Node("forearm_task_runner", namespace=namespace, context=context)
        self._targets = self._node.create_publisher(
            PoseStamped, robot.ros.target, newest_only()
        )
        self._rows: list[tuple[float, Floats]] = []
        self._node.create_subscription(
            JointState, robot.ros.joint_states, self._on_state, newest_only()
        )
        self.operator = Operator(self._node, policy)
        """The policy node."""
        self._spinner = Spinner(context, [self._node])

    def _on_state(self, message: Any) -> None:
        at = dict(zip(message.name, message.position, strict=False))
        if all(name in at for name in self._robot.joint_names):
            row = np.array([at[name] for name in self._robot.joint_names])
            self._rows.append((time.monotonic(), row))

    def wait_for_arm(self, timeout: float = 10.0) -> None:
        """Wait for the first joint state.

        Raises:
            ForearmError: none comes.
        """
        deadline = time.monotonic() + timeout
        while not self._rows:
            if time.monotonic() > deadline:
                raise ForearmError(
                    f"no joint states on {self._robot.ros.joint_states!r} within "
                    f"{timeout:g} s; check the namespace and ROS_DOMAIN_ID"
                )
            time.sleep(0.05)

    def settle(self) -> None:
        """Ask the arm to stay where it is until the node's policy drives.

        An episode then starts at rest and with the policy's full say, as in training.

        Raises:
            ForearmError: the node does not get there.
        """
        pose = self._kinematics(self._rows[-1][1])
        position, quat_wxyz = pose.position, quat_wxyz_from_rotation(pose.rotation)
        here = Target(tuple(position), tuple(quat_wxyz))
        self.operator.wait_for("run", START, lambda: self._publish(_pose(here)))

    def run(self, target: Target) -> Outcome:
        """Run one episode."""
        self._rows = self._rows[-1:]
        message = _pose(target)
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < self._task.episode_time:
            self._publish(message)
            time.sleep(min(REPUBLISH, self._task.episode_time - elapsed))
        return self._judge(target, list(self._rows), time.monotonic())

    def _publish(self, message: Any) -> None:
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._targets.publish(message)

    def _judge(
        self, target: Target, rows: list[tuple[float, Floats]], end: float
    ) -> Outcome:
        last = [q for t, q in rows if t >= end - self._task.hold_time]
        if not last:
            return Outcome(False, float("inf"), float("inf"), len(rows))
        pose = self._kinematics(np.stack(last))
        distance = np.linalg.norm(pose.position - np.array(target.position), axis=-1)
        wanted = rotation_from_quat_wxyz(np.array(target.quat_wxyz))
        angle = rotation_angle(pose.rotation, wanted)
        inside = (distance <= self._task.position_tolerance) & (
            angle <= self._task.angle_tolerance
        )
        return Outcome(
            bool(inside.all()), float(distance[-1]), float(angle[-1]), len(rows)
        )

    def close(self) -> None:
        """Disconnect."""
        self._spinner.stop()
        leave(self._node)


def _pose(target: Target) -> Any:
    message = PoseStamped()
    message.header.frame_id = "base_link"
    p, q = message.pose.position, message.pose.orientation
    p.x, p.y, p.z = target.position
    q.w, q.x, q.y, q.z = target.quat_wxyz
    return message


def run_episodes(
    robot: RobotSpec,
    targets: Sequence[Target],
    task_info: dict[str, Any],
    namespace: str = "",
    node: str = "forearm_policy",
) -> list[Outcome]:
    """Run one episode per target against the arm and the policy node that run.

    Args:
        robot: the arm.
        targets: one tool pose per episode.
        task_info: tolerances and times, as in the contract.
        namespace: of the arm's topics.
        node: name of the policy node.

    Raises:
        ForearmError: there is no arm, or the node's policy does not drive it.
    """
    with session() as context:
        task = ReachTask.from_info(task_info)
        runner = TaskRunner(robot, task, context, namespace, node)
        try:
            runner.wait_for_arm()
            outcomes = []
            for target in targets:
                runner.settle()
                outcomes.append(runner.run(target))
                runner.operator.restart_after_fault()
            return outcomes
        finally:
            runner.close()
