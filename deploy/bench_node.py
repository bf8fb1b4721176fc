"""The benchmark's other end: sends targets and measures how long messages travel."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from forearm.core.histogram import Histogram
from forearm.core.robots import get_robot
from forearm.core.ros import Spinner, leave, newest_only, seconds, session

SWING = 1.0
"""Time between two targets [s]."""


class BenchNode(Node):
    """Keeps the arm moving; stamps are of this computer's clock."""

    def __init__(self, robot: str, context: Any) -> None:
        """Connect to the arm and the node ``forearm_policy``."""
        super().__init__("forearm_bench", context=context)
        names = get_robot(robot).ros
        self.travel = {"state": Histogram(), "command": Histogram()}
        """Publishing to reception [s]."""
        self._target = self.create_publisher(PoseStamped, names.target, newest_only())
        for name, topic in (
            ("state", names.joint_states),
            ("command", "forearm_policy/joint_command"),
        ):
            self.create_subscription(
                JointState, topic, self._measure(self.travel[name]), newest_only()
            )
        self.create_timer(0.1, self._send)

    def _measure(self, histogram: Histogram) -> Any:
        def measure(message: Any) -> None:
            histogram.add(time.time() - seconds(message.header.stamp))

        return measure

    def _send(self) -> None:
        side = 1.0 if time.monotonic() % (2 * SWING) < SWING else -1.0
        message = PoseStamped()
        p = message.pose.position
        p.x, p.y, p.z = 0.2 * side, -0.2 * side, 0.1 * side
        message.pose.orientation.w = 1.0
        self._target.publish(message)


def main() -> None:
    """Run until a signal, then write the travel times [us] as JSON."""
    robot, out = sys.argv[1:]
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    with session() as context:
        node = BenchNode(robot, context)
        spinner = Spinner(context, [node])
        while not stop:
            time.sleep(0.05)
        spinner.stop()
        leave(node)
    result = {
        f"{name}_travel_{word}_us": 1e6 * histogram.quantile(q)
        for name, histogram in node.travel.items()
        for word, q in (("p50", 0.5), ("p99", 0.99))
    }
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
