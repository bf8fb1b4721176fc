"""Task topics: what a policy has to be told besides its target, from ROS 2."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.node import Node

from forearm.core.contract import Contract
from forearm.core.ros import newest_only

from .requirements import TASK_SOURCES
from .runtime import Runtime


def follow_task(node: Node, runtime: Runtime) -> list[Any]:
    """Subscribe to the target's pose, and to what else of the task is sensed.

    That is an object's pose and the target's velocity. Poses are in the base frame;
    what is not finite is refused.

    Returns:
        The subscriptions, for whoever ends them.
    """

    def pose(take: Callable[..., bool], what: str) -> Callable[[Any], None]:
        def on_pose(message: Any) -> None:
            p, q = message.pose.position, message.pose.orientation
            if not take((p.x, p.y, p.z), (q.w, q.x, q.y, q.z), time.monotonic()):
                node.get_logger().warning(f"refused {what} that is not a finite pose")

        return on_pose

    def on_velocity(message: Any) -> None:
        v = message.twist.linear
        if not runtime.on_target_velocity((v.x, v.y, v.z), time.monotonic()):
            node.get_logger().warning("refused a target velocity that is not finite")

    contract = runtime.contract
    return [
        node.create_subscription(kind, topic, callback, newest_only())
        for kind, topic, callback in (
            (PoseStamped, contract.arm.ros.target, pose(runtime.on_target, "a target")),
            (
                PoseStamped,
                _topic(contract, "object pose"),
                pose(runtime.on_object, "an object"),
            ),
            (TwistStamped, _topic(contract, "target velocity"), on_velocity),
        )
        if topic is not None
    ]


def _topic(contract: Contract, what: str) -> str | None:
    names = TASK_SOURCES[what]
    return next((i.topic for i in contract.inputs if i.name in names), None)
