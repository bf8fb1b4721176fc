"""PPO and SAC of stable-baselines3 with the values tuned for arms."""

from __future__ import annotations

from pathlib import Path

import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from forearm.core.errors import FileError, UnknownNameError

from .config import ALGORITHMS
from .vec_env import ArmVecEnv

HIDDEN = [128, 128]
"""Widths of the hidden layers; two suffice where the kinematics are inputs."""


ROLLOUT = 64
"""Control steps of every simulation between two updates of PPO."""


def _decay(remaining: float) -> float:
    return 5e-5 + 1e-3 * remaining


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
            learning_rate=_decay,
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
            learning_rate=7e-4,
            buffer_size=300_000,
            learning_starts=4_000,
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


def load_algorithm(algo: str, path: Path) -> BaseAlgorithm:
    """Load a learner from a checkpoint of this machine's own training.

    Checkpoints of stable-baselines3 hold pickles: load only your own.

    Raises:
        FileError: the checkpoint is missing or corrupt.
    """
    torch.set_num_threads(1)
    if not path.is_file():
        raise FileError(path, "the checkpoint is missing", "train first")
    try:
        if algo == "ppo":
            return PPO.load(path, device="cpu")
        return SAC.load(path, device="cpu")
    except Exception as error:
        raise FileError(path, f"is not a checkpoint of {algo} ({error})") from error
