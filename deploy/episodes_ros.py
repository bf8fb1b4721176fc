"""EpisodeJudge: episodes of any task over ROS 2, judged by the plant that knows.

A plant that is there for a task (``forearm plant --task``) offers a reset and says how
its episode goes; here is who asks for one episode after the other. The policy is
deactivated in between, as a person would do who puts the objects back.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from forearm.core.errors import ForearmError
from forearm.core.ros import Spinner, latched, leave, session

from .operator_ros import ANSWER, RETRY, Operator

START = 30.0
"""Longest wait for the plant, for the node to be active, for a word of either [s]."""


@dataclass(frozen=True)
class Verdict:
    """How one episode ended."""

    success: bool
    """The task was truly fulfilled at the end."""
    seed: int
    """Seed of the episode: the same start and goal as in the simulator."""
    reward: float
    """Sum of the shaped rewards, those for the policy's action left out."""
    seconds: float
    """Length in the plant's time [s]."""


class EpisodeJudge:
    """Asks a plant and a policy node for episodes."""

    def __init__(
        self,
        context: Any,
        namespace: str = "",
        policy: str = "forearm_policy",
        plant: str = "plant",
    ) -> None:
        """Connect to the node called ``policy`` and to the ``plant``'s."""
        self._plant = plant
        self._node = Node("forearm_judge", namespace=namespace, context=context)
        self._word: dict[str, Any] = {}
        self._heard = 0.0
        self._node.create_subscription(
            String, f"{plant}/episode", self._on_episode, latched()
        )
        self._client: Any = self._node.create_client(Trigger, f"{plant}/reset")
        self.operator = Operator(self._node, policy)
        """The policy node."""
        self._spinner = Spinner(context, [self._node])

    def _on_episode(self, message: Any) -> None:
        self._word, self._heard = json.loads(message.data), time.monotonic()

    def run(self) -> Verdict:
        """Run the plant's next episode from its reset to its end.

        Raises:
            ForearmError: plant or node do not answer, or the arm gets no command.
        """
        self.operator.wait_until_active(START)
        self.operator.deactivate()
        self._reset()
        self.operator.activate()
        word = self._wait_for("done")
        return Verdict(word["success"], word["seed"], word["reward"], word["time"])

    def _reset(self) -> None:
        if not self._client.wait_for_service(timeout_sec=START):
            raise ForearmError(
                f"no service {self._plant}/reset: start the plant with --task"
            )
        end = time.monotonic() + ANSWER
        while not (answer := self._call()).success:
            if time.monotonic() > end:
                raise ForearmError(f"the plant refuses a reset: {answer.message}")
            time.sleep(RETRY)
        self._wait_for("waiting", "running", "done", seed=answer.message)

    def _call(self) -> Any:
        answered = threading.Event()
        future = self._client.call_async(Trigger.Request())
        future.add_done_callback(lambda _: answered.set())
        result = future.result() if answered.wait(ANSWER) else None
        if result is None:
            raise ForearmError("the plant did not answer a reset")
        return result

    def _wait_for(self, *states: str, seed: str = "") -> dict[str, Any]:
        """Return the plant's word in one of ``states``, of ``seed`` where given."""
        self._heard = time.monotonic()
        while True:
            word = self._word
            same = not seed or seed == f"seed {word.get('seed')}"
            if word.get("state") in states and same:
                return word
            if time.monotonic() - self._heard > START:
                raise ForearmError(
                    f"the plant's episode does not go on: {word or 'no word of it'}; "
                    f"the policy is in state {self.operator.state!r} "
                    f"({self.operator.reason})"
                )
            time.sleep(0.02)

    def close(self) -> None:
        """Disconnect."""
        self._spinner.stop()
        leave(self._node)


def run_task_episodes(
    count: int, namespace: str = "", node: str = "forearm_policy"
) -> list[Verdict]:
    """Run ``count`` episodes of the task that the plant is there for.

    Args:
        count: how many.
        namespace: of plant and node.
        node: name of the policy node.

    Raises:
        ForearmError: there is no such plant, or the node does not drive it.
    """
    with session() as context:
        judge = EpisodeJudge(context, namespace, node)
        try:
            return [judge.run() for _ in range(count)]
        finally:
            judge.close()
