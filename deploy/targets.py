"""TaskRunner: reach episodes over real ROS, judged from the joint states.

It publishes one target pose after the other, waits a fixed episode time, and says
from forward kinematics of ``joint_states`` whether the tool was there and stayed.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from forearm.core.errors import ForearmError
from forearm.core.kinematics import Kinematics, rotation_angle, rotation_from_quat_wxyz
from forearm.core.robot import RobotSpec
from forearm.core.ros import Spinner, latched, newest_only, session

Floats = NDArray[np.float64]

ANSWER = 10.0
"""Longest wait for the node's status or a transition [s]."""

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
        self, robot: RobotSpec, task: ReachTask, context: Any, namespace: str = ""
    ) -> None:
        """Connect to the arm in ``namespace``."""
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

    def wait_for_policy(self, node: str, timeout: float = 30.0) -> None:
        """Wait until the policy node sends commands: episodes count from then on.

        Raises:
            ForearmError: it sends none.
        """
        heard = threading.Event()
        subscription = self._node.create_subscription(
            JointState, f"{node}/joint_command", lambda _: heard.set(), newest_only()
        )
        try:
            if not heard.wait(timeout):
                raise ForearmError(
                    f"node {node!r} sent no command within {timeout:g} s; see its log"
                )
        finally:
            self._node.destroy_subscription(subscription)

    def restart_after_fault(self, node: str) -> bool:
        """Deactivate and activate ``node`` if a fault is latched; says if it was.

        One failed episode then does not decide the next one, as an operator would
        have it between trials.

        Raises:
            ForearmError: the node does not answer.
        """
        state: queue.Queue[str] = queue.Queue()
        subscription = self._node.create_subscription(
            String, f"{node}/status", lambda m: state.put(m.data), latched()
        )
        try:
            now = json.loads(state.get(timeout=ANSWER))["state"]
        except queue.Empty:
            raise ForearmError(f"node {node!r} does not publish its status") from None
        finally:
            self._node.destroy_subscription(subscription)
        if now != "fault":
            return False
        self._change_state(node, Transition.TRANSITION_DEACTIVATE)
        # What caused the fault may last a moment longer; the node then refuses.
        end = time.monotonic() + ANSWER
        while not self._change_state(node, Transition.TRANSITION_ACTIVATE):
            if time.monotonic() > end:
                raise ForearmError(f"node {node!r} refuses to run again; see its log")
            time.sleep(REPUBLISH)
        return True

    def _change_state(self, node: str, transition: int) -> bool:
        client: Any = self._node.create_client(ChangeState, f"{node}/change_state")
        answered = threading.Event()
        try:
            if not client.wait_for_service(timeout_sec=ANSWER):
                raise ForearmError(f"node {node!r} has no lifecycle service")
            request = ChangeState.Request(transition=Transition(id=transition))
            future = client.call_async(request)
            future.add_done_callback(lambda _: answered.set())
            result = future.result() if answered.wait(ANSWER) else None
            if result is None:
                raise ForearmError(f"node {node!r} did not answer a transition")
            return bool(result.success)
        finally:
            self._node.destroy_client(client)

    def run(self, target: Target) -> Outcome:
        """Run one episode."""
        self._rows = self._rows[-1:]
        message = _pose(target)
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < self._task.episode_time:
            message.header.stamp = self._node.get_clock().now().to_msg()
            self._targets.publish(message)
            time.sleep(min(REPUBLISH, self._task.episode_time - elapsed))
        return self._judge(target, list(self._rows), time.monotonic())

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
        self._node.destroy_node()


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
        ForearmError: there is no arm or the node sends nothing.
    """
    with session() as context:
        runner = TaskRunner(robot, ReachTask.from_info(task_info), context, namespace)
        try:
            runner.wait_for_arm()
            runner.wait_for_policy(node)
            outcomes = []
            for target in targets:
                outcomes.append(runner.run(target))
                runner.restart_after_fault(node)
            return outcomes
        finally:
            runner.close()
