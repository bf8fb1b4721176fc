"""Deep Q-learning (Mnih et al. 2015) by stable-baselines3 on a discrete task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback

from forearm.core.errors import LimitError


@dataclass(frozen=True, kw_only=True)
class DqnConfig:
    """Numbers of one DQN run."""

    steps: int = 20_000
    """Environment steps to learn from."""
    gamma: float = 0.95
    """Discount per step."""
    learning_rate: float = 1e-3
    """Adam's first step size; it falls linearly to zero, which lets the noise of
    slips average out before the greedy policy is read off."""
    exploration: float = 0.8
    """Share of the steps over which epsilon falls from 1 to its end."""
    epsilon_end: float = 0.1
    """Probability of a random action once exploration is over."""
    hidden: tuple[int, ...] = (64,)
    """Widths of the hidden layers."""
    seed: int = 0
    """Seed of network, exploration and environment."""

    def __post_init__(self) -> None:
        """Refuse numbers out of their range.

        Raises:
            LimitError: a number is out of its range.
        """
        if self.steps < 1:
            raise LimitError(f"steps must be at least 1, got {self.steps}")
        if not 0 <= self.gamma <= 1:
            raise LimitError(f"gamma must lie in [0, 1], got {self.gamma}")


class _Progress(BaseCallback):
    def __init__(self, report: Callable[[int], None]) -> None:
        super().__init__()
        self._report = report

    def _on_step(self) -> bool:
        self._report(self.num_timesteps)
        return True


def train_dqn(
    env: gymnasium.Env[Any, Any],
    config: DqnConfig,
    progress: Callable[[int], None] = lambda _: None,
) -> DQN:
    """Train a DQN; the same seed gives the same network on the same machine.

    Args:
        env: a gymnasium environment with discrete states and actions.
        config: the numbers of the run.
        progress: called with the number of finished steps.
    """
    torch.set_num_threads(1)  # more threads only wait for each other at this size
    model = DQN(
        "MlpPolicy",
        env,
        learning_rate=lambda left: config.learning_rate * left,
        buffer_size=max(1000, config.steps),
        learning_starts=min(1000, config.steps // 2),
        batch_size=128,
        gamma=config.gamma,
        train_freq=2,
        target_update_interval=250,
        exploration_fraction=config.exploration,
        exploration_final_eps=config.epsilon_end,
        policy_kwargs={"net_arch": list(config.hidden)},
        seed=config.seed,
        device="cpu",
    )
    model.learn(config.steps, callback=_Progress(progress))
    return model


def greedy_policy(model: DQN) -> NDArray[np.intp]:
    """Return the network's action for every state, shape (S,).

    Raises:
        LimitError: the model was trained on states that cannot be listed.
    """
    space = model.observation_space
    if not isinstance(space, gymnasium.spaces.Discrete):
        raise LimitError("only a policy over discrete states can be listed")
    actions, _ = model.predict(np.arange(space.n), deterministic=True)
    return np.asarray(actions, np.intp)
