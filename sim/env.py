"""One arm as a ``gymnasium.Env``: the batch of one, step for step the same."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from forearm.core.robots import DEFAULT_ROBOT, get_robot

from .loop import ArmLoop
from .randomization import get_randomization
from .tasks import Task, get_task


class ArmEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """Episodes of one task on one arm.

    Observation: the task's terms, float32, of order one. Action: joint velocities as
    fractions of the policy's own velocity limit, in [-1, 1].
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        task: str | type[Task] = "reach",
        robot: str = DEFAULT_ROBOT,
        randomization: str = "none",
    ) -> None:
        """Build one simulation; names as on the command line, or a task itself."""
        self.loop = ArmLoop(
            get_robot(robot),
            get_task(task) if isinstance(task, str) else task,
            1,
            randomization=get_randomization(randomization, get_robot(robot)),
            nthread=1,
        )
        interface = self.loop.interface
        shape = (interface.observation_size,)
        self.observation_space = spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (interface.action_size,), np.float32)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start a new episode, from ``seed`` where given."""
        super().reset(seed=seed, options=options)
        if seed is not None:
            self.loop.seed([seed])
        elif self._fresh:
            self.loop.seed([int(self.np_random.integers(2**31))])
        self._fresh = False
        return self.loop.reset()[0].copy(), {"is_success": False}

    _fresh = True

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance by one control period under ``action`` (n,)."""
        step = self.loop.step(np.asarray(action, np.float32)[None])
        done = bool(step.terminated[0] or step.truncated[0])
        observation = step.final_observation[0] if done else step.observation[0]
        info = {"is_success": bool(step.success[0])}
        return (
            observation.copy(),
            float(step.reward[0]),
            bool(step.terminated[0]),
            bool(step.truncated[0]),
            info,
        )
