"""Tabular Q-learning (Watkins and Dayan 1992) with schedules and checkpoints."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import gymnasium
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import FileError, LimitError
from forearm.core.files import write_atomic

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class QLearningConfig:
    """Numbers of one run of Q-learning."""

    episodes: int = 10_000
    """Episodes to learn from."""
    gamma: float = 0.95
    """Discount per step."""
    epsilon_start: float = 1.0
    """Probability of a random action in the first episode."""
    epsilon_end: float = 0.1
    """Probability of a random action once exploration is over."""
    exploration: float = 0.7
    """Share of the episodes over which epsilon falls linearly."""
    rate_power: float = 0.7
    """The n-th visit of a state and action learns at rate 1 / n^power; above 0.5 and
    at most 1 the values converge (Even-Dar and Mansour 2003, JMLR 5)."""
    seed: int = 0
    """Seed of exploration and environment."""

    def __post_init__(self) -> None:
        """Refuse numbers out of their range.

        Raises:
            LimitError: a number is out of its range.
        """
        if self.episodes < 1:
            raise LimitError(f"episodes must be at least 1, got {self.episodes}")
        for name in ("gamma", "epsilon_start", "epsilon_end", "exploration"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise LimitError(f"{name} must lie in [0, 1], got {value}")
        if not 0.5 < self.rate_power <= 1:
            raise LimitError(f"rate_power must lie in (0.5, 1], got {self.rate_power}")

    def epsilon(self, episode: int) -> float:
        """Return the probability of a random action in ``episode``, counted from 0."""
        share = min(1.0, episode / max(1.0, self.exploration * self.episodes))
        return self.epsilon_start + share * (self.epsilon_end - self.epsilon_start)


@dataclass(frozen=True)
class QTable:
    """What Q-learning learned: values and how often each was updated."""

    values: Floats
    """Action values, shape (S, A)."""
    visits: NDArray[np.int64]
    """Updates of each value, shape (S, A)."""

    def policy(self) -> NDArray[np.intp]:
        """Return the greedy action of each state, shape (S,)."""
        return np.asarray(self.values.argmax(axis=1))


def q_learning(
    env: gymnasium.Env[Any, Any],
    config: QLearningConfig,
    progress: Callable[[int], None] = lambda _: None,
) -> QTable:
    """Learn action values by trying; the same seed gives the same table.

    An episode that only runs out of time still bootstraps from its last state.

    Args:
        env: a gymnasium environment with discrete states and actions.
        config: the numbers of the run.
        progress: called with the number of finished episodes.

    Raises:
        LimitError: the environment is not discrete.
    """
    spaces = (env.observation_space, env.action_space)
    sizes = [s.n for s in spaces if isinstance(s, gymnasium.spaces.Discrete)]
    if len(sizes) != 2:
        raise LimitError("Q-learning needs discrete states and actions")
    shape = (int(sizes[0]), int(sizes[1]))
    rng = np.random.default_rng(config.seed)
    # Plain lists: reading one number of a numpy array costs ten times as much.
    values, visits = np.zeros(shape).tolist(), np.zeros(shape, np.int64).tolist()
    for episode in range(config.episodes):
        state = env.reset(seed=config.seed if episode == 0 else None)[0]
        epsilon, ended = config.epsilon(episode), False
        while not ended:
            row = values[state]
            if rng.random() < epsilon:
                action = int(rng.random() * shape[1])
            else:
                action = _best(row, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            target = float(reward)
            if not terminated:
                target += config.gamma * max(values[after])
            visits[state][action] += 1
            rate = visits[state][action] ** -config.rate_power
            row[action] += rate * (target - row[action])
            state, ended = after, terminated or truncated
        progress(episode + 1)
    return QTable(np.array(values), np.array(visits, np.int64))


def _best(row: list[float], rng: np.random.Generator) -> int:
    """Return the best action; a draw among equals, or zeros would never be left."""
    top = max(row)
    equal = [action for action, value in enumerate(row) if value == top]
    return equal[0] if len(equal) == 1 else equal[int(rng.random() * len(equal))]


def table_bytes(table: QTable, config: QLearningConfig) -> bytes:
    """Return a table and its configuration as the content of an ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        values=table.values,
        visits=table.visits,
        **{f"config_{k}": np.array(v) for k, v in asdict(config).items()},
    )
    return buffer.getvalue()


def save_table(path: str | Path, table: QTable, config: QLearningConfig) -> None:
    """Write a table and its configuration as ``.npz``, atomically."""
    write_atomic(path, table_bytes(table, config))


def load_table(path: str | Path) -> tuple[QTable, QLearningConfig]:
    """Return what :func:`save_table` wrote, to the last bit.

    Raises:
        FileError: the file is missing, corrupt or no table.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            fields = {
                name.removeprefix("config_"): data[name].item()
                for name in data.files
                if name.startswith("config_")
            }
            table = QTable(np.asarray(data["values"]), np.asarray(data["visits"]))
            config = QLearningConfig(**fields)
    except (OSError, ValueError, LookupError, TypeError, EOFError, BadZipFile) as error:
        raise FileError(path, f"is no Q-table ({error})") from error
    if table.values.ndim != 2 or table.values.shape != table.visits.shape:
        raise FileError(path, "is no Q-table (values and visits differ in shape)")
    return table, config
