"""PPO and SAC of stable-baselines3 with the values tuned for arms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from forearm.core.errors import FileError, UnknownNameError

from .config import ALGORITHMS
from .vec_env import ArmVecEnv

HIDDEN = [256, 128]
"""Widths of the hidden layers; two suffice where the kinematics are inputs."""

ROLLOUT = 64
"""Control steps of every simulation between two updates of PPO."""

WARM_UP = 4_000
"""Control steps that SAC collects before it learns."""


@dataclass(frozen=True)
class Decay:
    """Learning rate that falls over the whole run, not over one segment of it."""

    first: float = 1.05e-3
    """Rate at the start of the run."""
    last: float = 5e-5
    """Rate at its end, small enough for the last centimetre."""
    horizon: int = 1
    """Steps at the end of the segment being learned."""
    total: int = 1
    """Steps at the end of the run."""

    def __call__(self, remaining: float) -> float:
        """Return the rate when ``remaining`` of the horizon is left, 0 to 1."""
        left = 1.0 - (1.0 - remaining) * self.horizon / self.total
        return self.last + (self.first - self.last) * left


def set_horizon(model: BaseAlgorithm, horizon: int, total: int) -> None:
    """Tell the learner where the segment and where the run ends [steps]."""
    rate = model.learning_rate
    if isinstance(rate, Decay):
        model.learning_rate = replace(rate, horizon=horizon, total=total)
        model._setup_lr_schedule()


def make_algorithm(
    algo: str, env: ArmVecEnv, seed: int, tensorboard: str | None
) -> BaseAlgorithm:
    """Return an untrained learner.

    Torch gets one thread: two spinning ones on two cores are 40 times slower, and
    the simulator uses the cores better.

    Raises:
        UnknownNameError: there is no such algorithm.
    """
    torch.set_num_threads(1)
    if algo == "ppo":
        return PPO(
            "MlpPolicy",
            env,
            n_steps=ROLLOUT,
            batch_size=min(2048, ROLLOUT * env.num_envs),
            n_epochs=5,
            learning_rate=Decay(),
            gamma=0.97,
            gae_lambda=0.9,
            policy_kwargs={
                "net_arch": HIDDEN,
                "activation_fn": torch.nn.ELU,
                "log_std_init": -0.7,
            },
            seed=seed,
            device="cpu",
            tensorboard_log=tensorboard,
        )
    if algo == "sac":
        return SAC(
            "MlpPolicy",
            env,
            learning_rate=Decay(1e-3),
            buffer_size=300_000,
            learning_starts=WARM_UP,
            batch_size=256,
            tau=0.01,
            gamma=0.97,
            gradient_steps=4,
            policy_kwargs={"net_arch": HIDDEN, "activation_fn": torch.nn.ELU},
            seed=seed,
            device="cpu",
            tensorboard_log=tensorboard,
        )
    raise UnknownNameError("algorithm", algo, ALGORITHMS)


def load_algorithm(
    algo: str, path: Path, env: ArmVecEnv | None = None
) -> BaseAlgorithm:
    """Load a learner from a checkpoint of this machine's own training.

    Give ``env`` to go on learning.

    Checkpoints of stable-baselines3 hold pickles: load only your own.

    Raises:
        FileError: the checkpoint is missing or corrupt.
    """
    torch.set_num_threads(1)
    if not path.is_file():
        raise FileError(path, "the checkpoint is missing", "train first")
    try:
        if algo == "ppo":
            return PPO.load(path, env=env, device="cpu")
        return SAC.load(path, env=env, device="cpu")
    except Exception as error:
        raise FileError(path, f"is not a checkpoint of {algo} ({error})") from error
