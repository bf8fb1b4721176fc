"""The batched arm as a ``gymnasium.vector.VectorEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from forearm.core.robots import DEFAULT_ROBOT, get_robot

from .loop import ArmLoop
from .randomization import get_randomization
from .tasks import get_task


class ArmVectorEnv(VectorEnv[Any, Any, Any]):
    """Episodes of one task on ``num_envs`` arms; ended ones restart in the same step.

    The observation of an ended episode stands in ``info["final_obs"]``.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        task: str = "reach",
        robot: str = DEFAULT_ROBOT,
        randomization: str = "none",
        nthread: int = 0,
    ) -> None:
        """Build ``num_envs`` simulations; names as on the command line."""
        self.loop = ArmLoop(
            get_robot(robot),
            get_task(task),
            num_envs,
            randomization=get_randomization(randomization, get_robot(robot)),
            nthread=nthread,
        )
        self.num_envs = num_envs
        interface = self.loop.interface
        shape = (interface.observation_size,)
        self.single_observation_space = spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.single_action_space = spaces.Box(
            -1.0, 1.0, (interface.action_size,), np.float32
        )
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start new episodes; simulation ``i`` is seeded with ``seed + i``."""
        if seed is not None:
            seeds = (
                [seed + i for i in range(self.num_envs)]
                if isinstance(seed, int)
                else [int(s or 0) for s in seed]
            )
            self.loop.seed(seeds)
        return self.loop.reset(), {}

    def step(self, actions: NDArray[np.float32]) -> tuple[Any, ...]:
        """Advance by one control period under ``actions`` (num_envs, n)."""
        step = self.loop.step(actions)
        info: dict[str, Any] = {"is_success": step.success}
        if len(step.done_ids):
            final = np.full(self.num_envs, None, dtype=object)
            for k, i in enumerate(step.done_ids):
                final[i] = step.final_observation[k]
            info["final_obs"] = final
            info["_final_obs"] = step.terminated | step.truncated
        return step.observation, step.reward, step.terminated, step.truncated, info
