"""Shadow: what a policy would command, beside what the arm really is commanded.

The policy takes over the driving command each period, as if it had been its own, and
says the next one. The next driving command then shows how far the two are apart: a
policy in the shadow of itself differs by nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from forearm.core.errors import LimitError
from forearm.core.histogram import Histogram
from forearm.core.timing import JointDifference

from .state_machine import State
from .step import Step

KINDS = {
    "joint_command": "sensor_msgs/msg/JointState",
    "commands": "std_msgs/msg/Float64MultiArray",
    "joint_trajectory": "trajectory_msgs/msg/JointTrajectory",
}
"""Message type by the last part of a topic's name."""

SILENCE = 0.5
"""After this long without a command, or with one that has ended, nobody drives [s]."""


def message_kind(topic: str) -> str:
    """Return the message type of a driving topic.

    Raises:
        LimitError: its name does not end as a command topic's does.
    """
    kind = KINDS.get(topic.rsplit("/", 1)[-1])
    if kind is None:
        raise LimitError(
            f"--driving must end with one of {', '.join(KINDS)}, which says its type; "
            f"got {topic!r}"
        )
    return kind


@dataclass(frozen=True, slots=True)
class Driven:
    """One driving command: joint positions [rad] over time after its reception [s]."""

    received: float
    """Steady clock [s]."""
    times: list[float]
    """Rising; a single zero for a command that holds."""
    positions: list[list[float]]
    """One row per time, in the contract's joint order."""

    def at(self, now: float) -> list[float] | None:
        """Return what it asks for at ``now``; none once it is over and forgotten."""
        passed = now - self.received
        if passed > self.times[-1] + SILENCE:
            return None
        if passed <= self.times[0]:
            return self.positions[0]
        for k in range(1, len(self.times)):
            if passed <= self.times[k]:
                share = (passed - self.times[k - 1]) / (
                    self.times[k] - self.times[k - 1]
                )
                ends = zip(self.positions[k - 1], self.positions[k], strict=True)
                return [a + share * (b - a) for a, b in ends]
        return self.positions[-1]


def read_command(message: Any, joints: Sequence[str], received: float) -> Driven | None:
    """Return what a command message asks of ``joints``; none if it is malformed."""
    if hasattr(message, "points"):
        names, points = list(message.joint_names), list(message.points)
        times = [
            p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec for p in points
        ]
        rows = [list(p.positions) for p in points]
    elif hasattr(message, "data"):
        names, times, rows = list(joints), [0.0], [list(message.data)]
    else:
        names, times, rows = list(message.name), [0.0], [list(message.position)]
    whole = rows and set(joints) <= set(names) and len(set(names)) == len(names)
    if not whole or any(len(row) != len(names) for row in rows):
        return None
    rising = all(b > a for a, b in pairwise(times))
    if not rising or not all(math.isfinite(v) for row in rows for v in row):
        return None
    index = [names.index(joint) for joint in joints]
    return Driven(received, times, [[float(row[i]) for i in index] for row in rows])


class Shadow:
    """Follows the driving command and counts the difference, joint by joint."""

    def __init__(self, joints: Sequence[str], control_dt: float, topic: str) -> None:
        """Compare commands of ``joints`` with those on ``topic``."""
        self.topic = topic
        """Where the driving commands come from."""
        self.inbox: deque[Driven] = deque(maxlen=16)
        """Driving commands as they come in."""
        self.refused = 0
        """Driving commands that were malformed."""
        self.distances = {joint: Histogram() for joint in joints}
        """Absolute differences by joint [rad]."""
        self._squares = [0.0] * len(joints)
        self._dt = control_dt
        self._driven: Driven | None = None
        self._last: list[float] | None = None
        self._ours: list[float] | None = None

    def before(self, now: float) -> tuple[list[float], list[float]] | None:
        """Compare the last command with what came of it; return what to follow.

        Returns position [rad] and velocity [rad/s] of the driving command, or none
        where nobody drives.
        """
        while self.inbox:
            self._driven = self.inbox.popleft()
        theirs = None if self._driven is None else self._driven.at(now)
        last, self._last = self._last, theirs
        if theirs is None:
            return None
        if self._ours is not None and last is not None:
            self._compare(self._ours, theirs)
        before = theirs if last is None else last
        speed = [(b - a) / self._dt for a, b in zip(before, theirs, strict=True)]
        return theirs, speed

    def after(self, step: Step) -> None:
        """Remember what the policy would command."""
        # Blended in, it is not the policy's own.
        self._ours = list(step.command) if step.state is State.RUN else None

    def _compare(self, ours: list[float], theirs: list[float]) -> None:
        histograms = self.distances.values()
        for i, (histogram, a, b) in enumerate(
            zip(histograms, ours, theirs, strict=True)
        ):
            histogram.add(abs(a - b))
            self._squares[i] += (a - b) ** 2

    def differences(self) -> dict[str, JointDifference]:
        """Return what was counted by joint, for the log."""
        rows = zip(self.distances.items(), self._squares, strict=True)
        return {
            joint: JointDifference(distance=h.content(), square_sum=s)
            for (joint, h), s in rows
        }
