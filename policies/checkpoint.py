"""Checkpoints: complete folders in a run directory, of which the newest counts.

A run is a chain of segments. Each begins with new episodes everywhere and random
numbers derived from the run's seed and the segment's number, whether the run was
interrupted before it or not: what a checkpoint has to keep is the learner alone, and a
resumed run is the same run to the last bit.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import set_random_seed

from forearm.core.errors import FileError
from forearm.core.files import read_structured, write_json

from .algorithms import load_algorithm
from .vec_env import ArmVecEnv

FOLDER, MODEL, REPLAY, PROGRESS = "checkpoints", "model.zip", "replay.pkl", "run.json"
"""Names in a run directory and in each checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run has come."""

    segments: int = 0
    """Segments finished."""
    seconds: float = 0.0
    """Time spent in them [s]."""
    unstable_episodes: int = 0
    """Episodes given up in them because the simulation became unstable."""
    widening: dict[str, Any] | None = None
    """State of the automatic widening, where the run has one."""


def begin_segment(model: BaseAlgorithm, env: ArmVecEnv, seed: int, number: int) -> None:
    """Start segment ``number`` of the run with ``seed``: new episodes and numbers."""
    sequence = np.random.SeedSequence([seed, number])
    drawn = int(sequence.generate_state(1)[0])
    set_random_seed(drawn)
    env.seed(drawn)
    model.action_space.seed(drawn)
    # SB3 resets the environment where there is no last observation.
    model._last_obs = None


def save_checkpoint(model: BaseAlgorithm, out: Path, progress: Progress) -> None:
    """Write a checkpoint that appears whole, then remove the older ones."""
    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=".draft"))
    try:
        model.save(draft / MODEL)
        if isinstance(model, SAC):
            model.save_replay_buffer(draft / REPLAY)
        write_json(draft / PROGRESS, asdict(progress))
        os.replace(draft, folder / f"{progress.segments:06d}")
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for old in _complete(out)[:-1]:
        shutil.rmtree(old)


def load_checkpoint(
    algo: str, out: Path, env: ArmVecEnv
) -> tuple[BaseAlgorithm, Progress] | None:
    """Return the learner of the newest checkpoint and its progress, if there is one.

    Checkpoints hold pickles: load only your own.

    Raises:
        FileError: the checkpoint is damaged.
    """
    folders = _complete(out)
    if not folders:
        return None
    newest = folders[-1]
    model = load_algorithm(algo, newest / MODEL, env)
    try:
        if isinstance(model, SAC):
            model.load_replay_buffer(newest / REPLAY)
        progress = Progress(**read_structured(newest / PROGRESS))
    except FileError:
        raise
    except Exception as error:
        raise FileError(newest, f"is damaged ({error})", "train anew") from error
    return model, progress


def remove_checkpoints(out: Path) -> None:
    """Remove the checkpoints of a run that has finished."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _complete(out: Path) -> list[Path]:
    folder = out / FOLDER
    names = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(path for path in names if path.name.isdigit())
