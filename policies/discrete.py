"""Learn a discrete task and hold the result against its exact optimum."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.files import write_atomic, write_json
from forearm.core.robots import DEFAULT_ROBOT
from forearm.core.statistics import wilson
from forearm.sim.lattice import LatticeEnv
from forearm.sim.mdp import mdp_of
from forearm.sim.registration import register_environments

from .dynamic_programming import (
    Policy,
    best_return,
    expected_return,
    greedy,
    value_iteration,
)

ALGORITHMS = ("q-learning", "dqn")
"""What can learn a discrete task."""


@dataclass(frozen=True)
class DiscreteTask:
    """A finite task with known probabilities."""

    env_id: str
    """Name in gymnasium."""
    gamma: float
    """Discount that asks for success soon enough for the step limit."""
    budget: dict[str, int]
    """Learning budget per algorithm: episodes of Q-learning, steps of DQN."""


TASKS: dict[str, DiscreteTask] = {
    "lattice": DiscreteTask(
        "forearm/Lattice-v0", 0.95, {"q-learning": 10_000, "dqn": 20_000}
    ),
    "FrozenLake-v1": DiscreteTask(
        "FrozenLake-v1", 0.99, {"q-learning": 40_000, "dqn": 100_000}
    ),
    "FrozenLake8x8-v1": DiscreteTask(
        "FrozenLake8x8-v1", 0.999, {"q-learning": 40_000, "dqn": 300_000}
    ),
}
"""Every discrete task; FrozenLake is gymnasium's and checks the learners."""


@dataclass(frozen=True, kw_only=True)
class DiscreteResult:
    """How well a learned policy does, and how well any could."""

    policy: Policy
    """Greedy action per state, (S,)."""
    episodes: int
    """Sampled evaluation episodes."""
    successes: int
    """How many of them reached the goal."""
    exact: float
    """Success probability of the policy, computed exactly."""
    optimum: float
    """Success probability of value iteration's policy for the same discount."""
    bound: float
    """Success probability no policy can exceed within the step limit."""
    gamma: float
    """Discount per step."""
    seconds: float
    """Time to learn [s]."""

    def as_json(self) -> dict[str, Any]:
        """Return the result with the keys that ``--json`` promises."""
        return {
            "success": self.successes / self.episodes,
            "wilson_95": list(wilson(self.successes, self.episodes)),
            "optimum": self.optimum,
            "episodes": self.episodes,
            "seconds": self.seconds,
            "exact_success": self.exact,
            "bound": self.bound,
            "gamma": self.gamma,
            "policy": self.policy.tolist(),
        }


def make_task(name: str, robot: str = DEFAULT_ROBOT) -> gymnasium.Env[Any, Any]:
    """Return the environment of a discrete task.

    Raises:
        UnknownNameError: there is no such task or robot.
    """
    if name not in TASKS:
        raise UnknownNameError("discrete task", name, TASKS)
    register_environments()
    options: dict[str, Any] = {"robot": robot} if name == "lattice" else {}
    return gymnasium.make(TASKS[name].env_id, disable_env_checker=True, **options)


def solve(
    name: str,
    algo: str,
    *,
    robot: str = DEFAULT_ROBOT,
    seed: int = 0,
    budget: int | None = None,
    episodes: int = 1000,
    out: str | Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> DiscreteResult:
    """Learn a task, evaluate the greedy policy and compute its optimum.

    Args:
        name: one of :data:`TASKS`; the lattice is that of ``robot``.
        algo: one of :data:`ALGORITHMS`.
        robot: the arm.
        seed: seed of learning; evaluation uses the next one.
        budget: learning episodes (Q-learning) or steps (DQN).
        episodes: evaluation episodes.
        out: directory for the learned values, the result and the plan.
        progress: called with the episodes or steps done.

    Raises:
        UnknownNameError: there is no such task, algorithm or robot.
        LimitError: a number is out of its range.
    """
    if algo not in ALGORITHMS:
        raise UnknownNameError("algorithm", algo, ALGORITHMS)
    if episodes < 1:
        raise LimitError(f"evaluation needs at least one episode, got {episodes}")
    env, task = make_task(name, robot), TASKS[name]
    amount = task.budget[algo] if budget is None else budget
    begin = time.monotonic()
    policy, learned, file = _learn(env, algo, amount, task.gamma, seed, progress)
    seconds = time.monotonic() - begin
    result = _compare(env, policy, task.gamma, episodes, seed + 1, seconds)
    if out is not None:
        write_atomic(Path(out) / file, learned)
        _write_result(Path(out), name, env, result)
    return result


def _compare(
    env: gymnasium.Env[Any, Any],
    policy: Policy,
    gamma: float,
    episodes: int,
    seed: int,
    seconds: float,
) -> DiscreteResult:
    mdp, limit = mdp_of(env), int(env.spec.max_episode_steps or 0) if env.spec else 0
    return DiscreteResult(
        policy=policy,
        episodes=episodes,
        successes=count_successes(env, policy, episodes, seed),
        exact=expected_return(mdp, policy, limit),
        optimum=expected_return(mdp, greedy(value_iteration(mdp, gamma)), limit),
        bound=best_return(mdp, limit),
        gamma=gamma,
        seconds=seconds,
    )


def _learn(
    env: gymnasium.Env[Any, Any],
    algo: str,
    budget: int,
    gamma: float,
    seed: int,
    progress: Callable[[int], None],
) -> tuple[Policy, bytes, str]:
    """Return the greedy policy, the learned values and their file's name."""
    if algo == "q-learning":
        from .tabular import QLearningConfig, q_learning, table_bytes

        config = QLearningConfig(episodes=budget, gamma=gamma, seed=seed)
        table = q_learning(env, config, progress)
        return table.policy(), table_bytes(table, config), "q_table.npz"
    from .dqn import DqnConfig, greedy_policy, train_dqn

    model = train_dqn(env, DqnConfig(steps=budget, gamma=gamma, seed=seed), progress)
    buffer = io.BytesIO()
    model.save(buffer)
    return greedy_policy(model), buffer.getvalue(), "dqn.zip"


def count_successes(
    env: gymnasium.Env[Any, Any], policy: Policy, episodes: int, seed: int
) -> int:
    """Return in how many sampled episodes ``policy`` reached the goal."""
    successes = 0
    for episode in range(episodes):
        state, ended = env.reset(seed=seed if episode == 0 else None)[0], False
        while not ended:
            state, reward, terminated, truncated, _ = env.step(policy[state])
            ended = terminated or truncated
        successes += float(reward) > 0
    return successes


def _write_result(
    out: Path, name: str, env: gymnasium.Env[Any, Any], result: DiscreteResult
) -> None:
    """Write the result and, for a lattice, the tool poses of its plan."""
    write_json(out / "result.json", {"task": name, **result.as_json()})
    lattice = env.unwrapped
    if not isinstance(lattice, LatticeEnv):
        return
    try:
        poses = lattice.plan_poses(result.policy)
    except LimitError:
        poses = []
    content = [
        {"position": np.asarray(p).tolist(), "quat_wxyz": np.asarray(q).tolist()}
        for p, q in poses
    ]
    plan = {"robot": lattice.robot.name, "frame": "base", "poses": content}
    write_json(out / "plan.json", plan)
