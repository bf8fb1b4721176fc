"""How often a policy succeeds, with its interval, also with extra delay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.robot import RobotSpec
from forearm.core.statistics import wilson
from forearm.sim.loop import ArmLoop
from forearm.sim.model import LONGEST_DELAY, Values
from forearm.sim.randomization import Randomization
from forearm.sim.tasks import Task

Singles = NDArray[np.float32]

Policy = Callable[[Mapping[str, Singles], Singles], Singles]
"""From named sensors and the observation, (nsim, …), to commands [rad] (nsim, n)."""

SEED = 10_000
"""First evaluation seed; training never draws from it."""


@dataclass(frozen=True)
class Evaluation:
    """Outcome of one set of episodes."""

    episodes: int
    """Episodes run."""
    successes: int
    """Episodes that truly succeeded."""
    reward_mean: float
    """Mean episode reward; judged apart from success."""
    hacked: int
    """Failed episodes whose reward beats the median success: a reward loophole."""
    hacked_episodes: tuple[tuple[int, float], ...] = ()
    """Seed and reward of these, the highest reward first."""
    outcomes: tuple[bool, ...] = ()
    """True success of every episode, in the order of the seeds."""

    @property
    def success(self) -> float:
        """Success rate."""
        return self.successes / self.episodes

    @property
    def wilson_95(self) -> tuple[float, float]:
        """95 % Wilson interval of the success rate."""
        return wilson(self.successes, self.episodes)

    def as_dict(self) -> dict[str, Any]:
        """Return the keys of ``--json``."""
        return {
            "success": self.success,
            "wilson_95": list(self.wilson_95),
            "episodes": self.episodes,
            "reward_mean": self.reward_mean,
            "reward_without_success": self.hacked,
            "reward_without_success_episodes": [
                {"seed": seed, "reward": reward}
                for seed, reward in self.hacked_episodes
            ],
        }


def evaluate(
    robot: RobotSpec,
    task: type[Task],
    policy: Policy,
    *,
    episodes: int = 200,
    values: Values | None = None,
    randomization: Randomization | None = None,
    extra_delay: float = 0.0,
    seed: int = SEED,
) -> Evaluation:
    """Run ``episodes`` episodes, each on its own simulation and seed.

    Args:
        robot: the arm.
        task: the task.
        policy: what commands the arm.
        episodes: number of episodes.
        values: simulator parameters; nominal where missing.
        randomization: how they vary; not at all by default.
        extra_delay: command delay added to the simulator's [s].
        seed: seed of the first episode.

    Raises:
        LimitError: no episode was asked for.
    """
    if episodes < 1:
        raise LimitError(f"an evaluation needs at least one episode, got {episodes}")
    loop = ArmLoop(
        robot,
        task,
        episodes,
        values=values,
        randomization=randomization,
        longest_delay=LONGEST_DELAY,
    )
    if extra_delay:
        ids = np.arange(episodes)
        delay = loop.batch.values["command_delay"] + extra_delay
        loop.batch.set_values(ids, {"command_delay": delay})
    loop.seed([seed + i for i in range(episodes)])
    observation = loop.reset()
    reward = np.zeros(episodes)
    for _ in range(loop.task.steps):
        step = loop.step_command(policy(loop.sensors, observation))
        observation, success = step.observation, step.success
        reward += step.reward
    return judge(success, reward, seed)


def judge(
    success: NDArray[np.bool_], reward: NDArray[np.float64], seed: int = SEED
) -> Evaluation:
    """Return the outcome of episodes from their success and reward, (episodes,).

    Args:
        success: true success of each episode.
        reward: sum of its shaped rewards.
        seed: seed of the first one; the next ones follow.
    """
    typical = float(np.median(reward[success])) if success.any() else np.inf
    found = np.flatnonzero(~success & (reward > typical))
    found = found[np.argsort(-reward[found], kind="stable")]
    return Evaluation(
        len(success),
        int(success.sum()),
        float(reward.mean()),
        len(found),
        tuple((seed + int(i), float(reward[i])) for i in found),
        tuple(success.tolist()),
    )


def random_policy(robot: RobotSpec, task: type[Task], seed: int = 0) -> Policy:
    """Return a policy that draws every action anew: the floor of any comparison."""
    interface = task.interface(robot)
    rng = np.random.default_rng(seed)

    def act(sensors: Mapping[str, Singles], observation: Singles) -> Singles:
        shape = (len(observation), interface.action_size)
        action = rng.uniform(-1.0, 1.0, shape).astype(np.float32)
        return np.asarray(interface.command(action, sensors), np.float32)

    return act
