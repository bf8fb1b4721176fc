"""Limiter: every joint of an arm within its limits, and the way to rest from there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from forearm.core.contract import JointLimits

from .joint_limiter import JointLimiter


@dataclass(frozen=True)
class StopPoint:
    """One point of a stop trajectory."""

    time: float
    """After the last command [s]."""
    position: list[float]
    """Joint positions [rad]."""
    velocity: list[float]
    """Joint velocities [rad/s]."""


class Limiter:
    """All joints of an arm."""

    def __init__(self, limits: Sequence[JointLimits], dt: float) -> None:
        """Bind the ``limits`` of every joint at a control period ``dt`` [s]."""
        self._joints = [JointLimiter(limit, dt) for limit in limits]
        self._dt = dt

    def reset(self, position: Sequence[float]) -> None:
        """Start at rest at measured positions [rad].

        Raises:
            LimitError: a position is outside its limits.
        """
        for joint, value in zip(self._joints, position, strict=True):
            joint.reset(value)

    def follow(self, position: Sequence[float], velocity: Sequence[float]) -> None:
        """Take over another controller's motion; only for commands that are not sent.

        Args:
            position: measured positions [rad]; cut to the limits.
            velocity: measured velocities [rad/s]; may be empty.
        """
        for i, joint in enumerate(self._joints):
            joint.p = min(max(position[i], joint.lower), joint.upper)
            v = velocity[i] if velocity else 0.0
            joint.v, joint.a = min(max(v, -joint.v_max), joint.v_max), 0.0

    def step(self, wish: Sequence[float] | None) -> bool:
        """Move towards ``wish`` [rad]; ``None`` stops. Returns whether it was met."""
        met = True
        for i, joint in enumerate(self._joints):
            met &= joint.step(math.nan if wish is None else wish[i])
        return met

    def remember(self) -> list[tuple[float, float, float]]:
        """Return position, velocity and acceleration of every joint's command."""
        return [(joint.p, joint.v, joint.a) for joint in self._joints]

    def take_back(self, state: Sequence[tuple[float, float, float]]) -> None:
        """Forget what came after ``state`` was remembered, as if never asked for."""
        for joint, values in zip(self._joints, state, strict=True):
            joint.p, joint.v, joint.a = values

    def rehearse(self) -> None:
        """Compute a step without taking it."""
        for joint in self._joints:
            joint.rehearse()

    @property
    def position(self) -> list[float]:
        """Last command [rad]."""
        return [joint.p for joint in self._joints]

    @property
    def velocity(self) -> list[float]:
        """Last command minus the one before, over the period [rad/s]."""
        return [joint.v for joint in self._joints]

    @property
    def travel(self) -> list[float]:
        """Bound of the way that each joint has left until rest [rad]."""
        return [joint.travel() for joint in self._joints]

    def clip(self, wish: Sequence[float]) -> list[float]:
        """Return ``wish`` [rad] within the position limits."""
        pairs = zip(wish, self._joints, strict=True)
        return [min(max(w, joint.lower), joint.upper) for w, joint in pairs]

    def stop_poses(self) -> list[list[float]]:
        """Return the command and every pose on the way to rest from it [rad]."""
        paths = [[p for p, _ in joint.stop_path()] for joint in self._joints]
        last = self.position
        poses = [last]
        for k in range(max(len(path) for path in paths)):
            pairs = zip(paths, last, strict=True)
            last = [path[k] if k < len(path) else p for path, p in pairs]
            poses.append(last)
        return poses

    @property
    def at_rest(self) -> bool:
        """Whether the command stands still."""
        return all(joint.v == 0.0 for joint in self._joints)

    def stop_plan(self, points: int = 4) -> list[StopPoint]:
        """Return a trajectory from the last command to rest, at most ``points``."""
        paths = [joint.stop_path() for joint in self._joints]
        length = max(1, *(len(path) for path in paths))
        wanted = sorted({math.ceil(length * (i + 1) / points) for i in range(points)})
        rest = [(joint.p, 0.0) for joint in self._joints]
        plan = []
        for k in wanted:
            at = [
                path[min(k, len(path)) - 1] if path else r
                for path, r in zip(paths, rest, strict=True)
            ]
            plan.append(StopPoint(k * self._dt, [p for p, _ in at], [v for _, v in at]))
        return plan
