"""One training run: batched arms, a learner, checkpoints, progress."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from forearm import __version__
from forearm.core.errors import FileError, LimitError
from forearm.core.files import read_structured, sha256, write_json
from forearm.core.params import load_params
from forearm.core.robots import OWN, get_robot
from forearm.sim.audit import audit
from forearm.sim.loop import ArmLoop
from forearm.sim.model import Values
from forearm.sim.randomization import Randomization, get_randomization
from forearm.sim.robot_files import FOLDER as ROBOT
from forearm.sim.robot_files import keep_files, load_kept
from forearm.sim.tasks import Task, get_task
from forearm.sim.widening import Widening

from .algorithms import load_algorithm, make_algorithm, set_horizon
from .checkpoint import (
    Progress,
    begin_segment,
    load_checkpoint,
    remove_checkpoints,
    save_checkpoint,
)
from .config import PRESETS, TrainConfig
from .progress_bar import ProgressBar
from .vec_env import ArmVecEnv

CONFIG, MODEL, AUDIT = "config.json", "model.zip", "audit.json"
"""Files of a run directory."""


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

    def task(self) -> type[Task]:
        """Return the task, its goal box included."""
        return get_task(self.config.task, self.config.goal_box)

    def randomization(self) -> Randomization:
        """Return what varied at the end of the training: of a widening, its width."""
        full = get_randomization(
            self.config.randomization, get_robot(self.config.robot)
        )
        if (state := self.record.get("widening")) is None:
            return full
        widening = Widening(full)
        widening.restore(state)
        return widening.randomization


def train(config: TrainConfig, *, quiet: bool = False) -> Run:
    """Train as ``config`` says and return the run.

    Raises:
        FileError: the run directory already holds a run, or the params are bad.
    """
    out = Path(config.out)
    if (out / CONFIG).exists():
        raise FileError(
            out, "already holds a training run", "choose another --out, or --resume it"
        )
    env = make_env(config)
    out.mkdir(parents=True, exist_ok=True)
    audit_randomization(env.loop, out)
    if config.robot in OWN:
        shutil.rmtree(out / ROBOT, ignore_errors=True)
        keep_files(OWN[config.robot], out / ROBOT)
    write_json(
        out / CONFIG,
        {
            "config": asdict(config),
            "finished": False,
            "params_sha256": _params_hash(config),
        },
    )
    model = make_algorithm(config.algo, env, config.seed, str(out / "tensorboard"))
    return _learn(config, env, model, Progress(), quiet=quiet)


def resume(path: str | Path, *, quiet: bool = False) -> Run:
    """Go on with an interrupted run; the result is that of one never interrupted.

    Raises:
        FileError: it is no run, it has finished, or its checkpoint is damaged.
    """
    out = Path(path)
    config, record = _read_config(out)
    if record.get("finished"):
        raise FileError(out, "has finished", "nothing is left to resume")
    if record.get("params_sha256") != _params_hash(config):
        raise FileError(out, f"the run began with another content of {config.params}")
    env = make_env(config)
    found = load_checkpoint(config.algo, out, env)
    tensorboard = str(out / "tensorboard")
    model = make_algorithm(config.algo, env, config.seed, tensorboard)
    model, progress = found or (model, Progress())
    if env.loop.widening is not None and progress.widening is not None:
        env.loop.widening.restore(progress.widening)
        env.loop.randomization = env.loop.widening.randomization
    return _learn(config, env, model, progress, quiet=quiet)


def _learn(
    config: TrainConfig,
    env: ArmVecEnv,
    model: BaseAlgorithm,
    progress: Progress,
    *,
    quiet: bool,
) -> Run:
    out, preset = Path(config.out), PRESETS[config.algo]
    steps, started = config.steps or preset.steps, time.monotonic()
    callback = ProgressBar(env, steps, quiet=quiet)
    with callback.bar:
        for number in range(progress.segments, -(-steps // preset.segment)):
            horizon = min((number + 1) * preset.segment, steps)
            begin_segment(model, env, config.seed, number)
            set_horizon(model, horizon, steps)
            model.learn(
                horizon - model.num_timesteps,
                callback=callback,
                tb_log_name=config.algo,
                reset_num_timesteps=number == 0,
            )
            done = Progress(
                segments=number + 1,
                seconds=progress.seconds + time.monotonic() - started,
                unstable_episodes=progress.unstable_episodes
                + env.loop.unstable_episodes,
                widening=env.loop.widening.state() if env.loop.widening else None,
            )
            save_checkpoint(model, out, done)
    return _finish(config, env, model, done)


def _finish(
    config: TrainConfig, env: ArmVecEnv, model: BaseAlgorithm, progress: Progress
) -> Run:
    out = Path(config.out)
    save_model(model, out)
    record = {
        "config": asdict(config),
        "finished": True,
        "version": __version__,
        "env_steps": int(model.num_timesteps),
        "seconds": progress.seconds,
        "training_success": env.success_rate() if env.recent else None,
        "unstable_episodes": progress.unstable_episodes,
        "randomization": env.loop.randomization.describe(),
        "params_sha256": _params_hash(config),
        "widening": progress.widening,
        "randomization_share": env.loop.widening.share if env.loop.widening else 1.0,
    }
    write_json(out / CONFIG, record)
    remove_checkpoints(out)
    return Run(out, config, model, record)


def audit_randomization(loop: ArmLoop, out: Path) -> None:
    """Prove that the randomization changes what it says; write ``audit.json``.

    Raises:
        AuditError: a term does not.
    """
    full = loop.widening.full if loop.widening else loop.randomization
    result = audit(loop.robot, type(loop.task), full, values=loop.nominal)
    write_json(out / AUDIT, result.as_dict())
    result.require()


def make_env(config: TrainConfig, nsim: int = 0) -> ArmVecEnv:
    """Return the batched environment of a run, ``nsim`` simulations wide.

    Raises:
        LimitError: nothing of the randomization can widen.
    """
    robot = get_robot(config.robot)
    task = get_task(config.task, config.goal_box)
    values = load_params(config.params, robot).values(robot) if config.params else None
    full = get_randomization(config.randomization, robot)
    if config.widen and not full.terms:
        raise LimitError(f"--widen: {config.randomization} has no terms to widen")
    loop = ArmLoop(
        robot,
        task,
        nsim or config.envs or PRESETS[config.algo].envs,
        values=values,
        randomization=full,
        widening=Widening(full) if config.widen else None,
    )
    return ArmVecEnv(loop, config.seed)


def save_model(model: BaseAlgorithm, out: Path) -> None:
    """Write the checkpoint so that a crash leaves the old one or the new one."""
    draft = out / f".{MODEL}"
    with draft.open("wb") as file:
        model.save(file)
    os.replace(draft, out / MODEL)


def _params_hash(config: TrainConfig) -> str | None:
    return sha256(config.params) if config.params else None


def load_run(path: str | Path) -> Run:
    """Load a finished run.

    Raises:
        FileError: it is not a finished run.
    """
    path = Path(path)
    config, record = _read_config(path)
    if not record.get("finished"):
        raise FileError(
            path, "has not finished", f"go on with forearm train --resume {path}"
        )
    return Run(path, config, load_algorithm(config.algo, path / MODEL), record)


def _read_config(path: Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Return what a run was asked for, where it now lies, and its whole record.

    A user's own arm becomes known by the copy that lies beside it.
    """
    if not (path / CONFIG).is_file():
        raise FileError(path, f"is not a training run (no {CONFIG})", "train first")
    if (path / ROBOT).is_dir():
        load_kept(path / ROBOT)
    record = read_structured(path / CONFIG)
    try:
        config = TrainConfig(**{**record["config"], "out": str(path)})
    except (KeyError, TypeError) as error:
        raise FileError(path / CONFIG, f"is not a run's config ({error})") from error
    return config, record
