"""Subscribe a shadow to the commands of whoever drives."""

from __future__ import annotations

import time
from typing import Any

from forearm.core.ros import message_type, newest_only

from .shadow import Shadow, message_kind, read_command


def listen(node: Any, shadow: Shadow) -> Any:
    """Let commands on the shadow's topic come into its inbox; returns the subscription.

    Raises:
        LimitError: the topic's name does not say its type.
    """
    kind = message_type(message_kind(shadow.topic))
    joints = list(shadow.distances)

    def on_command(message: Any) -> None:
        command = read_command(message, joints, time.monotonic())
        if command is None:
            shadow.refused += 1
        else:
            shadow.inbox.append(command)

    return node.create_subscription(kind, shadow.topic, on_command, newest_only())
