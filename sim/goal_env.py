"""One arm as a goal-conditioned ``gymnasium.Env``, for hindsight experience replay."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from forearm.core.errors import ForearmError
from forearm.core.observation import TERMS
from forearm.core.robot import RobotSpec
from forearm.core.robots import DEFAULT_ROBOT, get_robot

from .env import ArmEnv
from .goals import Goal
from .tasks import TASKS, Task, get_task

Singles = NDArray[np.float32]

TARGETS = ("target_position", "target_quat_wxyz", "target_velocity")
"""Sensors that give the goal away: hindsight cannot change them."""


class GoalLayout:
    """Where observation, achieved and desired goal lie in a flat observation."""

    def __init__(self, task: type[Task], robot: RobotSpec) -> None:
        """Lay out ``task`` without the terms that give the goal away.

        Raises:
            ForearmError: the task has no goal; the message lists those that have.
        """
        if task.goal is None:
            names = ", ".join(n for n, t in TASKS.items() if t.goal is not None)
            raise ForearmError(f"task {task.name!r} has no goals; valid: {names}")
        self.goal: Goal = task.goal
        free = tuple(
            t for t in task.terms if not set(TERMS[t].needs).intersection(TARGETS)
        )
        parts = (free, self.goal.achieved, self.goal.desired)
        self.task: type[Task] = type(
            f"{task.__name__}Goal", (task,), {"terms": sum(parts, ())}
        )
        """The task with the flat observation that :meth:`split` takes apart."""
        equipped = task.equip(robot)
        sizes = [sum(TERMS[t].width(equipped) for t in part) for part in parts]
        self._ends = np.cumsum(sizes)

    @property
    def space(self) -> spaces.Dict:
        """The dict observation space."""
        names = ("observation", "achieved_goal", "desired_goal")
        sizes = np.diff(self._ends, prepend=0)
        return spaces.Dict(
            {
                name: spaces.Box(-np.inf, np.inf, (int(size),), np.float32)
                for name, size in zip(names, sizes, strict=True)
            }
        )

    def split(self, flat: Singles) -> dict[str, Singles]:
        """Take flat observations (..., size) apart."""
        first, second = self._ends[:2]
        return {
            "observation": flat[..., :first].copy(),
            "achieved_goal": flat[..., first:second].copy(),
            "desired_goal": flat[..., second:].copy(),
        }


class ArmGoalEnv(gymnasium.Env[Any, Singles]):
    """Episodes of a task with goals: dict observations and a sparse reward.

    Observation: ``observation`` (the task's terms that do not know the goal),
    ``achieved_goal`` and ``desired_goal`` as the policy senses them. Reward: 0 where
    they meet, else -1. ``info["is_success"]`` is the task's true success, as elsewhere.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        task: str = "reach",
        robot: str = DEFAULT_ROBOT,
        randomization: str = "none",
    ) -> None:
        """Build one simulation; names as on the command line.

        Raises:
            ForearmError: the task has no goals.
        """
        self._layout = GoalLayout(get_task(task), get_robot(robot))
        self._env = ArmEnv(self._layout.task, robot, randomization)
        self.observation_space = self._layout.space
        self.action_space = self._env.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Singles], dict[str, Any]]:
        """Start a new episode, from ``seed`` where given."""
        super().reset(seed=seed)
        flat, info = self._env.reset(seed=seed, options=options)
        return self._layout.split(flat), info

    def step(
        self, action: Singles
    ) -> tuple[dict[str, Singles], float, bool, bool, dict[str, Any]]:
        """Advance by one control period under ``action`` (n,)."""
        flat, _, terminated, truncated, info = self._env.step(action)
        seen = self._layout.split(flat)
        reward = self.compute_reward(seen["achieved_goal"], seen["desired_goal"], info)
        return seen, float(reward), terminated, truncated, info

    def compute_reward(
        self,
        achieved_goal: NDArray[np.floating],
        desired_goal: NDArray[np.floating],
        info: Any,  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """Return 0 where goals (..., size) meet and -1 elsewhere, (...)."""
        return self._layout.goal.reward(achieved_goal, desired_goal)
