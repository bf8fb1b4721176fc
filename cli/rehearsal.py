"""A rehearsal: plant, policy node and recorder as processes, judged over ROS 2."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forearm.core.bundle import Bundle
from forearm.core.robot import RobotSpec
from forearm.core.statistics import wilson


@dataclass(frozen=True)
class Rehearsal:
    """Outcome of episodes over ROS 2."""

    successes: int
    """Episodes that succeeded."""
    outcomes: list[Any]
    """One :class:`forearm.deploy.targets.Outcome` per episode of reach, one
    :class:`forearm.deploy.episodes_ros.Verdict` per episode of another task."""
    log: Path | None
    """The recording."""

    @property
    def reward_mean(self) -> float | None:
        """Mean episode reward as the plant says; none for reach, which has no judge."""
        rewards = [o.reward for o in self.outcomes if hasattr(o, "reward")]
        return sum(rewards) / len(rewards) if rewards else None

    @property
    def success(self) -> float:
        """Success rate."""
        return self.successes / len(self.outcomes)

    @property
    def wilson_95(self) -> tuple[float, float]:
        """95 % Wilson interval."""
        return wilson(self.successes, len(self.outcomes))


def isolate_ros(folder: Path) -> None:
    """Keep this process and its children to themselves: own domain, this host only."""
    os.environ["ROS_DOMAIN_ID"] = str(random.SystemRandom().randrange(1, 100))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_LOG_DIR"] = str(folder.resolve() / "ros_log")


def rehearse(
    bundle: Bundle,
    episodes: int,
    folder: Path,
    *,
    plant: str | None = None,
    record: bool = False,
    seed: int = 1,
) -> Rehearsal:
    """Run ``episodes`` episodes on a plant in another process.

    Those of reach are judged from the joint states, as on a real arm; those of other
    tasks by the plant, which has the task's objects and resets them.

    Args:
        bundle: the policy.
        episodes: how many.
        folder: for the processes' output and the recording.
        plant: plant file; the robot's nominal values without.
        record: keep a rosbag2 log.
        seed: of the targets, or of the first episode.

    Raises:
        ForearmError: the plant file is bad, or a process failed or ended early.
    """
    from forearm.deploy.supervisor import check_alive, supervised
    from forearm.sim.plant_spec import load_plant
    from forearm.sim.user_robot import simulated

    robot = simulated(bundle.contract)
    if plant is not None:
        # Refused here, with its reason, rather than as an arm that stays silent.
        load_plant(plant).values(robot, Path(plant).parent)
    log = folder / "log" if record else None
    with supervised(_processes(bundle, robot, plant, log, seed), folder) as running:
        outcomes = _episodes(bundle, robot, episodes, seed)
        check_alive(running)
    return Rehearsal(sum(o.success for o in outcomes), outcomes, log)


def _processes(
    bundle: Bundle, robot: RobotSpec, plant: str | None, log: Path | None, seed: int
) -> list[Any]:
    """Return the plant's process and the node's."""
    from forearm.deploy.supervisor import Task, forearm

    from .user_robot import robot_flags

    options = ["--plant", plant] if plant else []
    if not _is_reach(bundle):
        options += ["--task", bundle.contract.task, "--seed", str(seed)]
    node = ["deploy", str(bundle.path), "--wait", "20"]
    node += ["--record", str(log)] if log else []
    return [
        Task(name="plant", command=forearm("plant", *robot_flags(robot), *options)),
        Task(name="node", command=forearm(*node)),
    ]


def _is_reach(bundle: Bundle) -> bool:
    from forearm.sim.tasks import Reach, contract_task

    return issubclass(contract_task(bundle.contract), Reach)


def _episodes(bundle: Bundle, robot: RobotSpec, episodes: int, seed: int) -> list[Any]:
    """Run episodes of targets that are published here, or those that the plant has."""
    import numpy as np

    from forearm.deploy.episodes_ros import run_task_episodes
    from forearm.deploy.targets import Target, run_episodes
    from forearm.sim.tasks import Reach, contract_task

    task = contract_task(bundle.contract)(robot, 1)
    if not isinstance(task, Reach):
        return list(run_task_episodes(episodes))
    pool = task.goals
    chosen = np.random.default_rng(seed).choice(len(pool.position), episodes)
    targets = [
        Target(tuple(pool.position[i]), tuple(pool.quat_wxyz[i])) for i in chosen
    ]
    return list(run_episodes(robot, targets, bundle.contract.task_info))
