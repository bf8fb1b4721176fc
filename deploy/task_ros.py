"""Task topics: what a policy has to be told besides its target, from ROS 2."""

from __future__ import annotations

import time
from typing import Any

from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.node import Node

from forearm.core.contract import Contract
from forearm.core.ros import newest_only

from .requirements import TASK_SOURCES
from .runtime import Runtime


def follow_task(node: Node, runtime: Runtime) -> list[Any]:
    """Subscribe to the object's pose and the target's velocity, where they are sensed.

    Poses are in the base frame, as the target's; what is not finite is refused.

    Returns:
        The subscriptions, for whoever ends them.
    """

    def on_object(message: Any) -> None:
        p, q = message.pose.position, message.pose.orientation
        quat_wxyz = (q.w, q.x, q.y, q.z)
        if not runtime.on_object((p.x, p.y, p.z), quat_wxyz, time.monotonic()):
            node.get_logger().warning("refused an object that is not a finite pose")

    def on_velocity(message: Any) -> None:
        v = message.twist.linear
        if not runtime.on_target_velocity((v.x, v.y, v.z), time.monotonic()):
            node.get_logger().warning("refused a target velocity that is not finite")

    made = []
    for what, kind, callback in (
        ("object pose", PoseStamped, on_object),
        ("target velocity", TwistStamped, on_velocity),
    ):
        topic = _topic(runtime.contract, what)
        if topic is not None:
            made.append(node.create_subscription(kind, topic, callback, newest_only()))
    return made


def _topic(contract: Contract, what: str) -> str | None:
    names = TASK_SOURCES[what]
    return next((i.topic for i in contract.inputs if i.name in names), None)
