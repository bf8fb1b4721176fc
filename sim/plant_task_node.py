"""What a task adds to a plant's node: its goal and object, a reset, and a verdict.

``~/reset`` (``std_srvs/Trigger``) puts arm and objects where the next seed's episode
starts. The episode begins with the first command that arrives after it, lasts as long
as the task says in the plant's own time, and is judged by the task's true success,
which the plant alone knows. ``~/episode`` (``std_msgs/String``, JSON, latched) says how
far it is: ``state`` (``free`` before the first reset, ``placed`` and, once the joint
states have told so for a while, ``waiting``, then ``running`` and ``done``), ``seed``,
``time`` [s], ``success`` now and the ``reward`` so far.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from forearm.core.errors import LimitError
from forearm.core.ros import latched, newest_only

from .plant_task import PlantTask

QUIET = 0.2
"""Silence of the controllers' topics that a reset needs [s, steady clock]: a command
under way would throw the arm back to where it was."""

SETTLED = 0.1
"""Plant time after a reset in which joint states tell where the arm is now [s]: who is
activated before would start from where it was."""

REPORT = 1.0
"""Plant time between two words on an episode that runs [s]."""

UPRIGHT = (1.0, 0.0, 0.0, 0.0)
"""Quaternion wxyz of a pose whose orientation the task does not tell."""


class TaskDesk:
    """Publishes what a policy is told of the task, and judges its episodes."""

    def __init__(
        self,
        node: Node,
        on: PlantTask,
        seed: int,
        rate: float,
        forget: Callable[[], None],
    ) -> None:
        """Offer topics and the service on the plant's ``node``.

        Args:
            node: the plant's.
            on: the task on the plant.
            seed: of the first episode.
            rate: of the plant's cycle [Hz].
            forget: makes the plant's controllers forget their commands.

        Raises:
            LimitError: the cycle is slower than the task's control period.
        """
        self._dt = on.task.control_dt
        if rate * self._dt < 1 - 1e-9:
            raise LimitError(
                f"task {on.task.name!r} looks at the plant every {self._dt:g} s: "
                f"joint states need at least {1 / self._dt:g} Hz, got {rate:g}"
            )
        self.on, self._node, self._forget = on, node, forget
        self.lock = threading.Lock()
        """Held by whoever moves the plant: its cycle, or a reset."""
        self.state, self.seed, self._next = "free", seed, seed
        self.success, self.reward = False, 0.0
        self._ticks, self._due, self._heard = 0, 0.0, float("-inf")
        self._settled = 0.0
        on.start(seed)
        names, told = on.task.robot.ros, on.told()
        self._target = node.create_publisher(PoseStamped, names.target, newest_only())
        self._object = self._twist = None
        if "object_position" in told:
            self._object = node.create_publisher(
                PoseStamped, names.object, newest_only()
            )
        if "target_velocity" in told:
            self._twist = node.create_publisher(
                TwistStamped, names.target_twist, newest_only()
            )
        self._episode = node.create_publisher(String, "~/episode", latched())
        node.create_service(Trigger, "~/reset", self._on_reset)
        self._say()

    def hear(self) -> None:
        """Take note that a command has arrived."""
        self._heard = time.monotonic()
        if self.state in ("placed", "waiting"):
            self.state = "running"
            self._say()

    def _on_reset(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        silent = time.monotonic() - self._heard
        response.success = silent >= QUIET
        if not response.success:
            response.message = "commands arrive: deactivate the policy first"
            return response
        with self.lock:
            self.seed, self._next = self._next, self._next + 1
            self.on.start(self.seed, self.on.plant.time)
            self._forget()
            self.state, self.success, self.reward = "placed", False, 0.0
            self._ticks, self._due = 0, 0.0
            self._settled = self.on.plant.time + SETTLED
        response.message = f"seed {self.seed}"
        self._say()
        return response

    def passed(self, duration: float) -> None:
        """Judge and tell what has changed after ``duration`` [s] of plant time."""
        self._due += duration
        while self._due > self._dt - 1e-9:
            self._due -= self._dt
            self._tick()

    def _tick(self) -> None:
        if self.state == "placed" and self.on.plant.time >= self._settled:
            self.state = "waiting"
            self._say()
        if self.state not in ("placed", "waiting"):
            self.on.watch()
        if self.state == "running":
            gain, self.success = self.on.judge()
            self.reward += gain
            self._ticks += 1
            if self._ticks == self.on.task.steps:
                self.state = "done"
                self._say()
            elif self._ticks % round(REPORT / self._dt) == 0:
                self._say()
        self._tell()

    def _tell(self) -> None:
        told, stamp = self.on.told(), self._node.get_clock().now().to_msg()
        for of, publisher in (("target", self._target), ("object", self._object)):
            if publisher is not None:
                quat = told.get(f"{of}_quat_wxyz", UPRIGHT)
                publisher.publish(_pose(stamp, told[f"{of}_position"], quat))
        if self._twist is not None:
            message = TwistStamped()
            message.header.stamp = stamp
            message.header.frame_id = "base_link"
            linear = message.twist.linear
            linear.x, linear.y, linear.z = told["target_velocity"]
            self._twist.publish(message)

    def _say(self) -> None:
        content = {
            "state": self.state,
            "seed": self.seed,
            "time": round(self._ticks * self._dt, 6),
            "success": self.success,
            "reward": self.reward,
        }
        self._episode.publish(String(data=json.dumps(content)))


def _pose(stamp: Any, position: Sequence[float], quat_wxyz: Sequence[float]) -> Any:
    message = PoseStamped()
    message.header.stamp = stamp
    message.header.frame_id = "base_link"
    p, q = message.pose.position, message.pose.orientation
    p.x, p.y, p.z = position
    q.w, q.x, q.y, q.z = quat_wxyz
    return message
