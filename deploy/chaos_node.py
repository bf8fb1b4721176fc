"""ChaosProxy: stands between an arm and its node and breaks what passes.

The arm runs in its own namespace; the proxy relays its joint states with one fault at
a time, relays the commands untouched, and keeps every command for judgement.
"""

from __future__ import annotations

import copy
import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from forearm.core.robot import RobotSpec
from forearm.core.ros import Spinner, leave, newest_only

Relay = Callable[[Any, random.Random], list[tuple[float, Any]]]
"""From a joint state to what is published instead: (delay [s], message) pairs."""


def drop(share: float) -> Relay:
    """Lose a ``share`` of the messages."""
    return lambda m, r: [] if r.random() < share else [(0.0, m)]


def thin(keep: int) -> Relay:
    """Deliver every ``keep``-th message only."""
    count = itertools.count()
    return lambda m, r: [(0.0, m)] if next(count) % keep == 0 else []  # noqa: ARG005


def bursts(silence: float, through: float) -> Relay:
    """Alternate ``silence`` [s] with ``through`` [s] in which messages pass."""
    start = time.monotonic()

    def relay(message: Any, rng: random.Random) -> list[tuple[float, Any]]:  # noqa: ARG001
        phase = (time.monotonic() - start) % (silence + through)
        return [(0.0, message)] if phase >= silence else []

    return relay


def delay(mean: float, jitter: float = 0.0) -> Relay:
    """Deliver late [s]; with jitter the order changes too."""
    return lambda m, r: [(mean + jitter * r.random(), m)]


def duplicate(message: Any, rng: random.Random) -> list[tuple[float, Any]]:  # noqa: ARG001
    """Deliver everything twice."""
    return [(0.0, message), (0.002, message)]


def edit(change: Callable[[Any], None]) -> Relay:
    """Change a copy of each message."""

    def relay(message: Any, rng: random.Random) -> list[tuple[float, Any]]:  # noqa: ARG001
        other = copy.deepcopy(message)
        change(other)
        return [(0.0, other)]

    return relay


def freeze() -> Relay:
    """Repeat the first message for ever."""
    kept: list[Any] = []

    def relay(message: Any, rng: random.Random) -> list[tuple[float, Any]]:  # noqa: ARG001
        if not kept:
            kept.append(message)
        return [(0.0, kept[0])]

    return relay


def shift_stamps(seconds: int) -> Relay:
    """Let the sender's clock jump by whole seconds."""

    def change(message: Any) -> None:
        message.header.stamp.sec += seconds

    return edit(change)


def untouched(message: Any, rng: random.Random) -> list[tuple[float, Any]]:  # noqa: ARG001
    """Relay as it is."""
    return [(0.0, message)]


class ChaosProxy:
    """Relays one arm; set :attr:`relay` to break its joint states."""

    def __init__(self, robot: RobotSpec, context: Any, inside: str = "inside") -> None:
        """Connect the arm in namespace ``inside`` with the topics outside."""
        self._relay: Relay = untouched
        self.onset: float | None = None
        """When the present relay met its first message, monotonic [s]."""
        self.second = False
        """Whether a second publisher sends the same joint states."""
        self.commands: list[tuple[float, int, list[float]]] = []
        """(monotonic time [s], sequence number, command [rad]) of all that came; of a
        trajectory its first point."""
        self.last: Any = None
        """Newest true joint state."""
        self._rng = random.Random(0)
        self._node = node = Node("chaos", context=context)
        names, many = robot.ros, QoSProfile(depth=100)
        commands = f"{names.position_controller}/commands"
        self._outside = node.create_publisher(JointState, names.joint_states, many)
        self._twin = node.create_publisher(JointState, names.joint_states, many)
        self._inside = node.create_publisher(
            Float64MultiArray, f"{inside}/{commands}", newest_only()
        )
        node.create_subscription(
            JointState, f"{inside}/{names.joint_states}", self._on_state, many
        )
        node.create_subscription(Float64MultiArray, commands, self._on_command, many)
        path = f"{names.trajectory_controller}/joint_trajectory"
        self._inside_path = node.create_publisher(
            JointTrajectory, f"{inside}/{path}", newest_only()
        )
        node.create_subscription(JointTrajectory, path, self._on_trajectory, many)
        self._spinner = Spinner(context, [node])

    @property
    def relay(self) -> Relay:
        """What happens to joint states now."""
        return self._relay

    @relay.setter
    def relay(self, relay: Relay) -> None:
        """Break them another way from the next message on."""
        self._relay, self.onset = relay, None

    def _on_state(self, message: Any) -> None:
        self.last = message
        if self.onset is None:
            self.onset = time.monotonic()
        if self.second:
            self._twin.publish(message)
        for late, other in self._relay(message, self._rng):
            if late <= 0:
                self._outside.publish(other)
            else:
                timer = threading.Timer(late, self._outside.publish, (other,))
                timer.daemon = True
                timer.start()

    def _on_command(self, message: Any, info: Any) -> None:
        number = int(info["publication_sequence_number"])
        self.commands.append((time.monotonic(), number, list(message.data)))
        self._inside.publish(message)

    def _on_trajectory(self, message: Any, info: Any) -> None:
        number = int(info["publication_sequence_number"])
        first = list(message.points[0].positions)
        self.commands.append((time.monotonic(), number, first))
        self._inside_path.publish(message)

    def close(self) -> None:
        """Disconnect."""
        self._spinner.stop()
        leave(self._node)
