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
    """One :class:`forearm.deploy.targets.Outcome` per episode."""
    log: Path | None
    """The recording."""

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
    """Run ``episodes`` reach episodes on a plant in another process.

    Args:
        bundle: the policy.
        episodes: number of targets.
        folder: for the processes' output and the recording.
        plant: plant file; the robot's nominal values without.
        record: keep a rosbag2 log.
        seed: of the targets.

    Raises:
        ForearmError: the plant file is bad, or a process failed or ended early.
    """
    from forearm.deploy.supervisor import Task, check_alive, forearm, supervised
    from forearm.deploy.targets import run_episodes
    from forearm.sim.plant_spec import load_plant
    from forearm.sim.user_robot import simulated

    from .user_robot import robot_flags

    robot = simulated(bundle.contract)
    if plant is not None:
        # Refused here, with its reason, rather than as an arm that stays silent.
        load_plant(plant).values(robot, Path(plant).parent)
    targets = _targets(bundle, robot, episodes, seed)
    log = folder / "log" if record else None
    options = ["--plant", plant] if plant else []
    node = ["deploy", str(bundle.path), "--wait", "20"]
    node += ["--record", str(log)] if log else []
    tasks = [
        Task(name="plant", command=forearm("plant", *robot_flags(robot), *options)),
        Task(name="node", command=forearm(*node)),
    ]
    with supervised(tasks, folder) as running:
        outcomes = run_episodes(robot, targets, bundle.contract.task_info)
        check_alive(running)
    return Rehearsal(sum(o.success for o in outcomes), outcomes, log)


def _targets(bundle: Bundle, robot: RobotSpec, episodes: int, seed: int) -> list[Any]:
    import numpy as np

    from forearm.core.errors import ForearmError
    from forearm.deploy.targets import Target
    from forearm.sim.tasks import Reach, contract_task

    task = contract_task(bundle.contract)(robot, 1)
    if not isinstance(task, Reach):
        raise ForearmError(
            f"episodes over ROS 2 are of {Reach.name}, the bundle is of {task.name}: "
            "on a plant without ROS 2 run forearm evaluate --plant without --ros"
        )
    pool = task.goals
    chosen = np.random.default_rng(seed).choice(len(pool.position), episodes)
    return [Target(tuple(pool.position[i]), tuple(pool.quat_wxyz[i])) for i in chosen]
