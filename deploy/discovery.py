"""Discovery: whether the robot's side of the topics is there before it is driven."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from forearm.core.errors import ForearmError

PATIENCE = 2.0
"""Time that DDS gets to find who is there [s]; half a second is usual."""

LOOK = 0.02
"""Time between two looks [s]."""


def await_robot(
    node: Any,
    states: str,
    publisher: Any,
    patience: float,
    interrupted: Callable[[], bool],
) -> None:
    """Return once somebody publishes the joint states and takes the commands.

    Args:
        node: an rclpy node of the arm's namespace.
        states: the topic of the joint states.
        publisher: of the commands; none where nothing is commanded.
        patience: longest wait [s].
        interrupted: whether to give up at once.

    Raises:
        ForearmError: nobody does.
    """
    end = time.monotonic() + patience
    while missing := _missing(node, states, publisher):
        if time.monotonic() > end or interrupted():
            raise ForearmError(
                f"{missing} after {patience:g} s; start the driver and its "
                "controllers, check the namespace and ROS_DOMAIN_ID"
            )
        time.sleep(LOOK)


def _missing(node: Any, states: str, publisher: Any) -> str:
    """Return what lacks, in words; nothing if all is there."""
    if not node.count_publishers(states):
        return f"nobody publishes {node.resolve_topic_name(states)}"
    if publisher is not None and not publisher.get_subscription_count():
        return f"no controller listens on {publisher.topic_name}"
    return ""
