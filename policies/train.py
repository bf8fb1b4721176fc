"""One training run: batched arms, a learner, checkpoints, progress."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from forearm import __version__
from forearm.core.errors import FileError
from forearm.core.files import read_structured, sha256, write_json
from forearm.core.params import load_params
from forearm.core.robots import get_robot
from forearm.sim.loop import ArmLoop
from forearm.sim.model import Values
from forearm.sim.randomization import get_randomization
from forearm.sim.tasks import get_task

from .algorithms import load_algorithm, make_algorithm
from .config import PRESETS, TrainConfig
from .vec_env import ArmVecEnv

CONFIG, MODEL = "config.json", "model.zip"
"""Files of a run directory."""

CHECKPOINT_SECONDS = 60.0
"""Time between checkpoints."""


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training run on disk."""

    path: Path
    """Run directory."""
    config: TrainConfig
    """What was asked for."""
    model: BaseAlgorithm
    """The learner."""
    record: dict[str, Any]
    """What is known about the run: steps, versions, randomization, params hash."""

    def values(self) -> Values | None:
        """Return the simulator parameters the run was trained with."""
        if self.config.params is None:
            return None
        robot = get_robot(self.config.robot)
        return load_params(self.config.params, robot).values(robot)


def train(config: TrainConfig, *, quiet: bool = False) -> Run:
    """Train as ``config`` says and return the run.

    Raises:
        FileError: the run directory already holds a run, or the params are bad.
    """
    out = Path(config.out)
    if (out / MODEL).exists():
        raise FileError(out, "already holds a training run", "choose another --out")
    env = make_env(config)
    out.mkdir(parents=True, exist_ok=True)
    model = make_algorithm(config.algo, env, config.seed, str(out / "tensorboard"))
    steps = config.steps or PRESETS[config.algo].steps
    started = time.monotonic()
    callback = _Progress(env, out, steps, quiet=quiet)
    with callback.bar:
        model.learn(steps, callback=callback, tb_log_name=config.algo)
    save_model(model, out)
    record = {
        "config": asdict(config),
        "version": __version__,
        "env_steps": int(model.num_timesteps),
        "seconds": time.monotonic() - started,
        "training_success": env.success_rate() if env.recent else None,
        "unstable_episodes": env.loop.unstable_episodes,
        "randomization": env.loop.randomization.describe(),
        "params_sha256": sha256(config.params) if config.params else None,
    }
    write_json(out / CONFIG, record)
    return Run(out, config, model, record)


def make_env(config: TrainConfig, nsim: int = 0) -> ArmVecEnv:
    """Return the batched environment of a run, ``nsim`` simulations wide."""
    robot = get_robot(config.robot)
    task = get_task(config.task)
    values = load_params(config.params, robot).values(robot) if config.params else None
    loop = ArmLoop(
        robot,
        task,
        nsim or config.envs or PRESETS[config.algo].envs,
        values=values,
        randomization=get_randomization(config.randomization),
    )
    return ArmVecEnv(loop, config.seed)


def save_model(model: BaseAlgorithm, out: Path) -> None:
    """Write the checkpoint so that a crash leaves the old one or the new one."""
    draft = out / f".{MODEL}"
    with draft.open("wb") as file:
        model.save(file)
    os.replace(draft, out / MODEL)


def load_run(path: str | Path) -> Run:
    """Load a run directory.

    Raises:
        FileError: it is not a finished run.
    """
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise FileError(path, f"is not a training run (no {CONFIG})", "train first")
    record = read_structured(path / CONFIG)
    try:
        config = TrainConfig(**record["config"])
    except (KeyError, TypeError) as error:
        raise FileError(path / CONFIG, f"is not a run's config ({error})") from error
    return Run(path, config, load_algorithm(config.algo, path / MODEL), record)


class _Progress(BaseCallback):
    """Bar with success rate and time left; checkpoints; success to TensorBoard."""

    def __init__(self, env: ArmVecEnv, out: Path, steps: int, *, quiet: bool) -> None:
        super().__init__()
        self._env, self._out = env, out
        self._saved = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            TextColumn("success {task.fields[success]:.0%}"),
            TimeRemainingColumn(),
            disable=quiet,
        )
        self._task = self.bar.add_task("training", total=steps, success=0.0)

    def _on_step(self) -> bool:
        if self.n_calls % 32 == 0:
            success = self._env.success_rate() if self._env.recent else 0.0
            self.logger.record("rollout/success", success)
            self.bar.update(self._task, completed=self.num_timesteps, success=success)
            if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
                save_model(self.model, self._out)
                self._saved = time.monotonic()
        return True
