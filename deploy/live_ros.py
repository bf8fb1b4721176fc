"""LiveWatcher: listens to a running robot for some seconds and sends it nothing."""

from __future__ import annotations

import math
import time
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from forearm.core.contract import Contract
from forearm.core.ros import Spinner, leave, newest_only, seconds, session

from .backends import FORWARD, TRAJECTORY, kind_of
from .live import Endpoint, Heard, Live
from .watchdog import JointSample

QUEUE = 1000
"""Joint states kept while the interpreter is busy: a second of a 1 kHz robot."""

DISCOVERY = 1.0
"""Time that DDS has to find everyone before anyone counts as missing [s]; on one
computer or a local network it takes some tenths."""

ANSWER = 1.0
"""Longest wait for the controller's parameters [s]."""

SUFFIX = {FORWARD: "commands", TRAJECTORY: "joint_trajectory"}
"""Last part of the topic of each kind of controller."""


class LiveWatcher(Node):
    """Everything of one arm that a contract speaks of, by name and by message."""

    def __init__(self, contract: Contract, namespace: str, context: Any) -> None:
        """Listen; the caller's executor must be spinning."""
        super().__init__("forearm_inspect", namespace=namespace, context=context)
        self._contract, names = contract, contract.arm.ros
        self._names = names
        kind = kind_of(contract)
        controller = contract.output.controller
        self._topics = {
            "state": self.resolve_topic_name(names.joint_states),
            "command": self.resolve_topic_name(f"{controller}/{SUFFIX[kind]}"),
            "target": self.resolve_topic_name(names.target),
        }
        self._simulated: float | None = None
        self._heard: list[tuple[JointSample, float | None]] = []
        # The policy node's own QoS but for the depth: what it cannot hear is not heard.
        qos = newest_only()
        qos = QoSProfile(
            depth=QUEUE, reliability=qos.reliability, durability=qos.durability
        )
        self.create_subscription(JointState, self._topics["state"], self._on_state, qos)
        self.create_subscription(Clock, "/clock", self._on_clock, newest_only())
        self._client: Any = self.create_client(
            GetParameters, f"{controller}/get_parameters"
        )

    def _on_clock(self, message: Any) -> None:
        self._simulated = seconds(message.clock)

    def _on_state(self, message: Any, info: Any) -> None:
        # The transport's own stamp: this interpreter's delays are not the robot's.
        received = 1e-9 * info.get("received_timestamp", 0) or time.time()
        stamp = seconds(message.header.stamp)
        sample = JointSample(
            list(message.name),
            list(message.position),
            list(message.velocity),
            stamp,
            received,
            bytes(info["publisher_gid"]["data"]) if "publisher_gid" in info else b"",
        )
        self._heard.append((sample, self._simulated))

    def watch(self, duration: float) -> Live:
        """Listen for ``duration`` [s] once the robot is found, and say what was there.

        Discovery takes time of its own, so that who is there late is not missing.
        """
        end = time.monotonic() + max(DISCOVERY, duration)
        start = time.monotonic() + DISCOVERY
        while time.monotonic() < start or (not self._heard and time.monotonic() < end):
            time.sleep(0.02)
        first = len(self._heard)
        time.sleep(duration)
        # Only now: whoever publishes joint states may announce its clock after them.
        simulated = self.count_publishers("/clock") > 0
        heard = [_judged(*entry, simulated=simulated) for entry in self._heard[first:]]
        return self._live(duration, heard, simulated=simulated)

    def _live(self, duration: float, heard: list[Heard], *, simulated: bool) -> Live:
        state, command, target = self._topics.values()
        return Live(
            seconds=duration,
            topic=state,
            command_topic=command,
            target_topic=target,
            heard=tuple(heard),
            publishers=self._endpoints(self.get_publishers_info_by_topic(state)),
            controllers=self._endpoints(self.get_subscriptions_info_by_topic(command)),
            commanders=self._endpoints(self.get_publishers_info_by_topic(command)),
            targets=self._endpoints(self.get_publishers_info_by_topic(target)),
            simulated=simulated,
            controller_joints=self._controller_joints(),
            elsewhere=self._elsewhere(),
            other_controllers=self._other_controllers(),
        )

    def _endpoints(self, found: list[Any]) -> tuple[Endpoint, ...]:
        return tuple(
            Endpoint(f"{e.node_namespace.rstrip('/')}/{e.node_name}", e.topic_type)
            for e in found
        )

    def _elsewhere(self) -> tuple[str, ...]:
        kind = "sensor_msgs/msg/JointState"
        topics = [t for t, kinds in self.get_topic_names_and_types() if kind in kinds]
        return tuple(
            sorted(
                t
                for t in topics
                if t != self._topics["state"]
                # What a policy node says it sent is not what an arm measured.
                and not t.endswith(("/joint_command", "/shadow_command"))
                and self.count_publishers(t)
            )
        )

    def _other_controllers(self) -> dict[str, str]:
        controllers = {
            FORWARD: self._names.position_controller,
            TRAJECTORY: self._names.trajectory_controller,
        }
        topics = {
            kind: self.resolve_topic_name(f"{name}/{SUFFIX[kind]}")
            for kind, name in controllers.items()
        }
        return {
            kind: topic
            for kind, topic in topics.items()
            if topic != self._topics["command"] and self.count_subscribers(topic)
        }

    def _controller_joints(self) -> tuple[str, ...] | None:
        """Return the controller's parameter ``joints``, where it answers with names."""
        if not self._client.service_is_ready():
            return None
        future = self._client.call_async(GetParameters.Request(names=["joints"]))
        end = time.monotonic() + ANSWER
        while not future.done() and time.monotonic() < end:
            time.sleep(0.02)
        response: Any = future.result() if future.done() else None
        values = response.values if response is not None else []
        return tuple(values[0].string_array_value) or None if values else None


def _judged(sample: JointSample, clock: float | None, *, simulated: bool) -> Heard:
    """Say how old a joint state was by the clock that its stamp is of."""
    if not simulated:
        return Heard(sample, sample.received - sample.stamp)
    return Heard(sample, math.nan if clock is None else clock - sample.stamp)


def watch_live(contract: Contract, namespace: str, duration: float) -> Live:
    """Watch the arm in ``namespace`` for ``duration`` [s] and send it nothing.

    Raises:
        ForearmError: ROS 2 is not installed, or two distributions are mixed.
    """
    with session() as context:
        watcher = LiveWatcher(contract, namespace, context)
        spinner = Spinner(context, [watcher])
        try:
            return watcher.watch(duration)
        finally:
            spinner.stop()
            leave(watcher)
