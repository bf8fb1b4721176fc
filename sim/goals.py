"""Goals: what a goal-conditioned policy achieves and desires, and when they meet.

The convention of gymnasium-robotics' ``GoalEnv``: ``achieved_goal`` and
``desired_goal`` have the same size, and a sparse reward of 0 or -1 is a function of the
two alone, so that hindsight experience replay (Andrychowicz et al., NeurIPS 2017) may
pretend that what was achieved was desired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


class Goal(ABC):
    """A kind of goal: which observation terms make it up and when it is met."""

    achieved: ClassVar[tuple[str, ...]]
    """Observation terms of what is."""
    desired: ClassVar[tuple[str, ...]]
    """Observation terms of what shall be, of the same sizes."""

    @abstractmethod
    def met(self, achieved: Floats, desired: Floats) -> NDArray[np.bool_]:
        """Return whether goals (..., size) meet, (...)."""

    def reward(self, achieved: Floats, desired: Floats) -> NDArray[np.float32]:
        """Return 0 where the goal is met and -1 elsewhere, (...)."""
        return np.asarray(self.met(achieved, desired), np.float32) - np.float32(1.0)


@dataclass(frozen=True, kw_only=True)
class PoseGoal(Goal):
    """A tool pose: position [m] and the tool's x and y axes, 9 numbers."""

    position_tolerance: float
    """Largest distance [m]."""
    angle_tolerance: float
    """Largest angle [rad]."""

    achieved = ("tool_position", "tool_axes")
    desired = ("target_position", "target_axes")

    def met(self, achieved: Floats, desired: Floats) -> NDArray[np.bool_]:
        """Return whether both distance and angle are small."""
        distance = np.linalg.norm(achieved[..., :3] - desired[..., :3], axis=-1)
        a, d = _frame(achieved), _frame(desired)
        cosine = 0.5 * (np.sum(a * d, axis=(-2, -1)) - 1.0)
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        close = (distance < self.position_tolerance) & (angle < self.angle_tolerance)
        return np.asarray(close)


@dataclass(frozen=True, kw_only=True)
class ObjectGoal(Goal):
    """An object's position [m], as the camera sees it."""

    tolerance: float
    """Largest distance [m]."""

    achieved = ("object_position",)
    desired = ("target_position",)

    def met(self, achieved: Floats, desired: Floats) -> NDArray[np.bool_]:
        """Return whether the distance is small."""
        distance = np.linalg.norm(achieved - desired, axis=-1)
        return np.asarray(distance < self.tolerance)


def _frame(goal: Floats) -> Floats:
    x, y = goal[..., 3:6], goal[..., 6:9]
    return np.stack([x, y, np.cross(x, y)], axis=-2)
