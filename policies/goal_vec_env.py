"""The batched arm with goals as a stable-baselines3 ``VecEnv``, for its HER."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.robots import DEFAULT_ROBOT, get_robot
from forearm.sim.goal_env import GoalLayout
from forearm.sim.loop import ArmLoop
from forearm.sim.randomization import get_randomization
from forearm.sim.tasks import get_task

from .vec_env import ArmVecEnv


class ArmGoalVecEnv(ArmVecEnv):
    """Dict observations and sparse rewards for ``HerReplayBuffer``."""

    def __init__(
        self,
        task: str = "reach",
        robot: str = DEFAULT_ROBOT,
        envs: int = 8,
        *,
        randomization: str = "none",
        seed: int = 0,
    ) -> None:
        """Build ``envs`` simulations; names as on the command line.

        Raises:
            ForearmError: the task has no goals.
        """
        arm = get_robot(robot)
        self.layout = GoalLayout(get_task(task), arm)
        loop = ArmLoop(
            arm,
            self.layout.task,
            envs,
            randomization=get_randomization(randomization, arm),
        )
        super().__init__(loop, seed)
        self.observation_space = self.layout.space

    def reset(self) -> Any:
        """Start new episodes everywhere."""
        return self.layout.split(super().reset())

    def step_wait(self) -> Any:
        """Step; the reward is sparse, of the episode that the action belonged to."""
        flat, _, done, infos = super().step_wait()
        seen = self.layout.split(flat)
        achieved, desired = seen["achieved_goal"].copy(), seen["desired_goal"].copy()
        for i in np.flatnonzero(done):
            last = self.layout.split(infos[i]["terminal_observation"])
            infos[i]["terminal_observation"] = last
            achieved[i], desired[i] = last["achieved_goal"], last["desired_goal"]
        return seen, self.layout.goal.reward(achieved, desired), done, infos

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Answer ``compute_reward`` here and everything else by the loop."""
        if method_name == "compute_reward":
            return [self.compute_reward(*args) for _ in self._indices(indices)]
        return super().env_method(method_name, *args, indices=indices, **kwargs)

    def compute_reward(
        self,
        achieved_goal: NDArray[np.floating],
        desired_goal: NDArray[np.floating],
        info: Any,  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """Return 0 where goals (..., size) meet and -1 elsewhere, (...)."""
        return self.layout.goal.reward(achieved_goal, desired_goal)
