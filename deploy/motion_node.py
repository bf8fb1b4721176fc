"""Play a planned motion on an arm over ROS 2: once, watched, and recorded."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from forearm.core.errors import ForearmError, LimitError
from forearm.core.motion import Motion
from forearm.core.robot import RobotSpec
from forearm.core.ros import Spinner, leave, newest_only, session

from .recorder import start_recorder, stop_recorder

Floats = NDArray[np.float64]

AT_START = 0.05
"""Distance from the start pose from which on nothing is sent [rad]."""

AT_REST = 0.02
"""Joint speed from which on the arm counts as moving [rad/s]."""

DEVIATION = 0.5
"""Distance from the motion at which it is stopped [rad]."""

SILENCE = 0.25
"""Age of the last joint state at which the motion is stopped [s]."""

ANSWER = 10.0
"""Longest wait for joint states and the controller [s]."""

REST = 0.5
"""Recorded at rest before and after [s]."""


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How a motion is played."""

    namespace: str = ""
    """Namespace of the arm's topics."""
    record: Path | None = None
    """New rosbag2 directory; none for no recording."""


class _Arm(Node):
    """Newest joint state and the trajectory controller's topic."""

    def __init__(self, robot: RobotSpec, namespace: str, context: Any) -> None:
        super().__init__("forearm_excite", namespace=namespace, context=context)
        self._names = robot.joint_names
        self._lock = threading.Lock()
        self._state: tuple[float, Floats, Floats] | None = None
        topic = f"{robot.ros.trajectory_controller}/joint_trajectory"
        self.publisher = self.create_publisher(JointTrajectory, topic, newest_only())
        self.create_subscription(
            JointState, robot.ros.joint_states, self._on_state, newest_only()
        )

    def _on_state(self, message: Any) -> None:
        names = list(message.name)
        if not set(self._names) <= set(names) or len(message.position) != len(names):
            return
        index = [names.index(name) for name in self._names]
        position = np.array(message.position)[index]
        velocity = np.zeros_like(position)
        if len(message.velocity) == len(names):
            velocity = np.array(message.velocity)[index]
        if np.isfinite(position).all():
            with self._lock:
                self._state = (time.monotonic(), position, velocity)

    def state(self) -> tuple[float, Floats, Floats] | None:
        """Return (receive time, position, velocity) of the newest joint state."""
        with self._lock:
            return self._state


def play(robot: RobotSpec, motion: Motion, options: PlayOptions) -> float:
    """Play ``motion`` once and record it; returns the largest deviation [rad].

    Raises:
        LimitError: the arm is not at rest at the start pose.
        ForearmError: no joint states or controller, or the motion was stopped.
    """
    with session() as context:
        arm = _Arm(robot, options.namespace, context)
        spinner = Spinner(context, [arm])
        try:
            _check_start(arm, robot, motion)
            listeners = arm.publisher.get_subscription_count()
            with _recorder(robot, options):
                if options.record is not None:
                    _check_heard(arm, listeners)
                return _run(arm, robot, motion)
        finally:
            spinner.stop()
            leave(arm)


def _recorder(robot: RobotSpec, options: PlayOptions) -> Any:
    if options.record is None:
        return nullcontext()
    process = start_recorder(options.record, robot, options.namespace, "forearm_excite")

    class _Stop:
        def __enter__(self) -> None:
            return None

        def __exit__(self, *_: object) -> None:
            stop_recorder(process)

    return _Stop()


def _check_start(arm: _Arm, robot: RobotSpec, motion: Motion) -> None:
    deadline = time.monotonic() + ANSWER
    while time.monotonic() < deadline:
        if arm.state() is not None and arm.publisher.get_subscription_count():
            break
        time.sleep(0.02)
    state = arm.state()
    if state is None:
        raise ForearmError(
            f"no joint states of {robot.name} within {ANSWER:g} s on "
            f"{arm.get_namespace().rstrip('/')}/{robot.ros.joint_states}; is the "
            "driver running?"
        )
    if not arm.publisher.get_subscription_count():
        raise ForearmError(
            f"nobody takes {arm.publisher.topic_name}; is the "
            f"{robot.ros.trajectory_controller} active?"
        )
    away = np.abs(state[1] - motion.array("position")[0])
    worst = int(np.argmax(away))
    if away[worst] > AT_START:
        raise LimitError(
            f"{robot.joint_names[worst]} is {away[worst]:.3f} rad from the start of "
            f"the motion, at most {AT_START} is allowed; move the arm to "
            f"{np.round(motion.position[0], 3).tolist()} first"
        )
    if np.abs(state[2]).max() > AT_REST:
        raise LimitError("the arm is moving; nothing is sent before it rests")


def _check_heard(arm: _Arm, listeners: int) -> None:
    """Wait until the recorder hears the motion too: it is sent once.

    Raises:
        ForearmError: it does not within :data:`ANSWER`.
    """
    deadline = time.monotonic() + ANSWER
    while arm.publisher.get_subscription_count() <= listeners:
        if time.monotonic() > deadline:
            raise ForearmError(
                f"the recorder does not hear {arm.publisher.topic_name} within "
                f"{ANSWER:g} s; nothing was sent"
            )
        time.sleep(0.02)


def _run(arm: _Arm, robot: RobotSpec, motion: Motion) -> float:
    time.sleep(REST)
    clock, path = motion.array("time"), motion.array("position")
    arm.publisher.publish(_message(motion))
    begin, worst = time.monotonic(), 0.0
    while (now := time.monotonic() - begin) < clock[-1] + REST:
        state = arm.state()
        assert state is not None
        asked = [float(np.interp(now, clock, c)) for c in path.T]
        away = float(np.abs(state[1] - asked).max())
        worst = max(worst, away)
        silent = time.monotonic() - state[0] > SILENCE
        if silent or away > DEVIATION:
            _hold(arm, robot, state[1])
            why = "joint states stopped" if silent else f"the arm is {away:.2f} rad off"
            raise ForearmError(f"motion stopped after {now:.1f} s: {why}")
        time.sleep(0.01)
    return worst


def _hold(arm: _Arm, robot: RobotSpec, position: Floats) -> None:
    """Ask the controller to stay where the arm is."""
    message = JointTrajectory(joint_names=list(robot.joint_names))
    message.points = [_point(0.3, position, 0 * position)]
    arm.publisher.publish(message)
    # The message has to leave before the node goes.
    time.sleep(0.1)


def _message(motion: Motion) -> Any:
    message = JointTrajectory(joint_names=list(motion.joints))
    rows = zip(
        motion.array("time"),
        motion.array("position"),
        motion.array("velocity"),
        strict=True,
    )
    message.points = [_point(t, q, v) for t, q, v in rows]
    return message


def _point(seconds: float, position: Floats, velocity: Floats) -> Any:
    point = JointTrajectoryPoint(
        positions=position.tolist(), velocities=velocity.tolist()
    )
    ns = round(float(seconds) * 1e9)
    point.time_from_start.sec = ns // 1_000_000_000
    point.time_from_start.nanosec = ns % 1_000_000_000
    return point
