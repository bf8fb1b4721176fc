"""Operator: watches a policy node and asks for its transitions, as a person would."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from std_msgs.msg import String

from forearm.core.errors import ForearmError
from forearm.core.ros import latched

ANSWER = 10.0
"""Longest wait for the node's status or a transition [s]."""

RETRY = 0.1
"""Time between two looks at the node [s]."""

ACTIVE = ("activate", "hold", "ramp_in", "run", "fault", "estop")
"""States in which a node commands the arm."""


class Operator:
    """One policy node, seen from outside; the caller's executor must be spinning."""

    def __init__(self, node: Node, policy: str) -> None:
        """Listen to the status of the node called ``policy``."""
        self._node, self._policy = node, policy
        self.state = ""
        """Last state the node published; empty before the first."""
        self.reason = ""
        """Why it is in that state."""
        self._subscription = node.create_subscription(
            String, f"{policy}/status", self._on_status, latched()
        )

    def _on_status(self, message: Any) -> None:
        content = json.loads(message.data)
        self.state, self.reason = content["state"], content["reason"]

    def wait_for(
        self,
        state: str,
        timeout: float,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait for the node to be in ``state``; ``meanwhile`` runs ten times a second.

        Raises:
            ForearmError: it does not get there within ``timeout`` [s].
        """
        end = time.monotonic() + timeout
        while self.state != state:
            if time.monotonic() > end:
                seen = f"is in state {self.state!r} ({self.reason})"
                raise ForearmError(
                    f"node {self._policy!r} "
                    f"{seen if self.state else 'publishes no status'}, not in "
                    f"{state!r} after {timeout:g} s; see its log"
                )
            meanwhile()
            time.sleep(RETRY)

    def restart_after_fault(self) -> bool:
        """Deactivate and activate the node if a fault is latched; says if it was.

        One failed episode then does not decide the next one, as an operator would
        have it between trials.

        Raises:
            ForearmError: the node does not answer.
        """
        self._wait_for_status()
        if self.state != "fault":
            return False
        self.deactivate()
        self.activate()
        return True

    def wait_until_active(self, timeout: float) -> None:
        """Wait until the node commands the arm, in whatever state.

        Raises:
            ForearmError: it does not get there within ``timeout`` [s].
        """
        end = time.monotonic() + timeout
        while self.state not in ACTIVE:
            if time.monotonic() > end:
                raise ForearmError(
                    f"node {self._policy!r} is not active after {timeout:g} s: "
                    f"{self.state or 'no status'} {self.reason}".rstrip()
                )
            time.sleep(RETRY)

    def deactivate(self) -> None:
        """Let the node stop the arm and command nothing.

        Raises:
            ForearmError: the node does not answer, or refuses.
        """
        if not self._change_state(Transition.TRANSITION_DEACTIVATE):
            raise ForearmError(f"node {self._policy!r} refuses to be deactivated")

    def activate(self) -> None:
        """Let the node command the arm; asks again for a while where it refuses.

        Raises:
            ForearmError: the node does not answer, or goes on refusing.
        """
        # What caused a fault may last a moment longer; the node then refuses.
        end = time.monotonic() + ANSWER
        while not self._change_state(Transition.TRANSITION_ACTIVATE):
            if time.monotonic() > end:
                raise ForearmError(
                    f"node {self._policy!r} refuses to run again; see its log"
                )
            time.sleep(RETRY)

    def _wait_for_status(self) -> None:
        end = time.monotonic() + ANSWER
        while not self.state:
            if time.monotonic() > end:
                raise ForearmError(f"node {self._policy!r} does not publish its status")
            time.sleep(RETRY)

    def _change_state(self, transition: int) -> bool:
        client: Any = self._node.create_client(
            ChangeState, f"{self._policy}/change_state"
        )
        answered = threading.Event()
        try:
            if not client.wait_for_service(timeout_sec=ANSWER):
                raise ForearmError(f"node {self._policy!r} has no lifecycle service")
            request = ChangeState.Request(transition=Transition(id=transition))
            future = client.call_async(request)
            future.add_done_callback(lambda _: answered.set())
            result = future.result() if answered.wait(ANSWER) else None
            if result is None:
                raise ForearmError(f"node {self._policy!r} did not answer a transition")
            return bool(result.success)
        finally:
            self._node.destroy_client(client)
