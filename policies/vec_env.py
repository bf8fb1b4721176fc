"""The batched arm as a stable-baselines3 ``VecEnv``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from forearm.sim.loop import ArmLoop, Step


class ArmVecEnv(VecEnv):
    """One :class:`~forearm.sim.loop.ArmLoop` behind SB3's interface."""

    def __init__(self, loop: ArmLoop, seed: int = 0) -> None:
        """Wrap ``loop``; simulation ``i`` draws from generator ``(seed, i)``."""
        self.loop = loop
        size, actions = loop.interface.observation_size, loop.interface.action_size
        self.render_mode = None
        super().__init__(
            loop.nsim,
            spaces.Box(-np.inf, np.inf, (size,), np.float32),
            spaces.Box(-1.0, 1.0, (actions,), np.float32),
        )
        self.recent: list[bool] = []
        """Success of the episodes that ended last, newest last."""
        self._action = np.zeros((loop.nsim, actions), np.float32)
        self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed every simulation from one number."""
        entropy = np.random.SeedSequence(seed)
        seeds = [int(s.generate_state(1)[0]) for s in entropy.spawn(self.num_envs)]
        self.loop.seed(seeds)
        return seeds

    def reset(self) -> NDArray[np.float32]:
        """Start new episodes everywhere."""
        return self.loop.reset()

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """Keep the actions (num_envs, n) for ``step_wait``."""
        self._action = actions

    def step_wait(self) -> Any:
        """Step; where an episode ends the observation is the next episode's first."""
        step = self.loop.step(self._action)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for k, i in enumerate(step.done_ids):
            infos[i] = _episode_info(step, k, int(i), self.loop.task.steps)
            self.recent.append(bool(step.success[i]))
        del self.recent[:-RECENT]
        return step.observation, step.reward, step.terminated | step.truncated, infos

    def success_rate(self) -> float:
        """Share of successes among the last :data:`RECENT` episodes; NaN if none."""
        return float(np.mean(self.recent)) if self.recent else float("nan")

    def close(self) -> None:
        """Nothing to close: the batch ends with the object."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute once per simulation."""
        return [getattr(self, attr_name)] * len(self._indices(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the simulations share one loop."""
        raise NotImplementedError(f"{attr_name} cannot be set per simulation")

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Call a method of the shared loop once per simulation."""
        method = getattr(self.loop, method_name)
        return [method(*args, **kwargs) for _ in self._indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002
        """Return False everywhere: nothing is wrapped."""
        return [False] * len(self._indices(indices))

    def _indices(self, indices: int | Iterable[int] | None) -> list[int]:
        return list(self._get_indices(indices))


RECENT = 500
"""Number of episodes in the running success rate."""


def _episode_info(step: Step, k: int, i: int, steps: int) -> dict[str, Any]:
    return {
        "terminal_observation": step.final_observation[k],
        "TimeLimit.truncated": bool(step.truncated[i] and not step.terminated[i]),
        "is_success": bool(step.success[i]),
        "episode": {"r": float(step.episode_reward[k]), "l": steps, "t": 0.0},
    }
