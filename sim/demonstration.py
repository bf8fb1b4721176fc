"""Demonstrations: episodes of the expert, judged and kept as logs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import FileError, LimitError
from forearm.core.files import write_atomic
from forearm.core.log import make_log
from forearm.core.log_io import write_log
from forearm.core.robot import RobotSpec
from forearm.core.statistics import wilson

from .expert import Expert, Plan
from .loop import ArmLoop
from .tasks import Task

Singles = NDArray[np.float32]

SEED = 10_000
"""First seed, the same as an evaluation's: the same starts and goals."""

WIDTH = 16
"""Episodes planned side by side."""


@dataclass(frozen=True)
class Demonstration:
    """One episode of the expert; arrays start with the control periods."""

    seed: int
    """Seed of the episode."""
    success: bool
    """The task was truly fulfilled at the end."""
    reward: float
    """Sum of the shaped rewards."""
    sensors: dict[str, Singles]
    """Every sensor a policy would have read, before each action, (steps, size)."""
    action: Singles
    """Actions, (steps, n)."""
    command: Singles
    """Joint commands [rad], (steps, n)."""


@dataclass(frozen=True)
class Performance:
    """What the expert did in a set of episodes."""

    episodes: list[Demonstration]
    """One by one, in the order of their seeds."""

    @property
    def successes(self) -> int:
        """Episodes that truly succeeded."""
        return sum(e.success for e in self.episodes)

    def as_dict(self) -> dict[str, Any]:
        """Return the keys of ``--json``."""
        count = len(self.episodes)
        return {
            "success": self.successes / count,
            "wilson_95": list(wilson(self.successes, count)),
            "episodes": count,
            "reward_mean": float(np.mean([e.reward for e in self.episodes])),
            "failed_seeds": [e.seed for e in self.episodes if not e.success],
        }


def demonstrate(
    robot: RobotSpec,
    task: type[Task],
    *,
    episodes: int = 20,
    seed: int = SEED,
    plan: Plan | None = None,
) -> Performance:
    """Let the expert do ``episodes`` episodes with nominal parameters.

    An episode's outcome depends on its seed alone, not on how many are asked for.

    Raises:
        LimitError: no episode was asked for.
        UnknownNameError: the expert does not know the task.
    """
    if episodes < 1:
        raise LimitError(f"an expert needs at least one episode, got {episodes}")
    width = min(WIDTH, episodes)
    loop = ArmLoop(robot, task, width)
    expert = Expert(loop, plan)
    done: list[Demonstration] = []
    for first in range(seed, seed + episodes, width):
        done += _episodes(loop, expert, range(first, first + width))
    return Performance(done[:episodes])


def _episodes(loop: ArmLoop, expert: Expert, seeds: range) -> list[Demonstration]:
    loop.seed(list(seeds))
    loop.reset()
    expert.restart(seeds)
    sensors: dict[str, list[Singles]] = {name: [] for name in loop.interface.sensors}
    actions, commands, reward = [], [], np.zeros(loop.nsim)
    for _ in range(loop.task.steps):
        for name, rows in sensors.items():
            rows.append(np.array(loop.sensors[name]))
        action = expert.act()
        commands.append(loop.interface.command(action, loop.sensors))
        actions.append(action)
        step = loop.step(action)
        reward += step.reward
    stacked = {name: np.stack(rows) for name, rows in sensors.items()}
    return [
        Demonstration(
            seed,
            bool(step.success[i]),
            float(reward[i]),
            {name: rows[:, i] for name, rows in stacked.items()},
            np.stack(actions)[:, i],
            np.stack(commands)[:, i],
        )
        for i, seed in enumerate(seeds)
    ]


def write_demonstrations(
    folder: str | Path, robot: RobotSpec, task: type[Task], done: Performance
) -> None:
    """Write each episode as a rosbag2 log and its sensors as ``.npz`` beside it.

    ``episode_SEED/`` holds joint states and commands like the log of a real run;
    ``episode_SEED.npz`` every named sensor of the policy, ``action``, ``success`` and
    ``reward``.

    Raises:
        FileError: an episode exists already or cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(folder, f"cannot be made ({error.strerror})") from error
    names = task.equip(robot).joint_names
    for episode in done.episodes:
        path = folder / f"episode_{episode.seed}"
        steps = np.arange(len(episode.action), dtype=np.float64)
        time = np.asarray(1.0 + task.control_dt * steps, np.float64)
        log = make_log(
            names,
            time,
            episode.sensors["joint_pos"].astype(np.float64),
            episode.sensors["joint_vel"].astype(np.float64),
            command_time=time,
            command=episode.command.astype(np.float64),
        )
        write_log(path, log)
        arrays: dict[str, Any] = {f"sensor_{n}": v for n, v in episode.sensors.items()}
        arrays["action"] = episode.action
        arrays["success"] = np.array(episode.success)
        arrays["reward"] = np.array(episode.reward)
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays)
        write_atomic(path.with_suffix(".npz"), content.getvalue())
