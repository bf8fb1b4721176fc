"""A bundle on a plant in this process: the robot's own runtime, no clock, no transport.

Physics time drives the runtime, so an episode takes a fraction of its duration and its
outcome does not depend on how busy the machine is. Starts and goals are those that
:func:`forearm.policies.evaluate.evaluate` draws from the same seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from forearm.core.bundle import Bundle
from forearm.core.errors import LimitError
from forearm.core.robot import RobotSpec
from forearm.deploy.runtime import Runtime
from forearm.deploy.step import RuntimeOptions
from forearm.deploy.watchdog import JointSample
from forearm.policies.evaluate import SEED, Evaluation, judge
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec, load_plant
from forearm.sim.plant_task import PlantTask
from forearm.sim.tasks import Task, contract_task
from forearm.sim.user_robot import simulated

AT_ONCE = RuntimeOptions(ramp=1e-6, recover=0.0, simulated_time=True)
"""The policy drives from the start, as in training."""


UPRIGHT = [1.0, 0.0, 0.0, 0.0]
"""Quaternion wxyz of a pose whose orientation no policy senses."""


class PlantEpisodes:
    """Episodes of one bundle on one plant, each from rest at its own start."""

    def __init__(self, bundle: Bundle, spec: PlantSpec, folder: Path | None) -> None:
        """Bind ``bundle`` to a plant ``spec`` whose files lie in ``folder``.

        Raises:
            ForearmError: the bundle may not be run here, or the plant does not fit.
        """
        arm, task = simulated(bundle.contract), contract_task(bundle.contract)
        self._on = PlantTask(arm, task, spec, folder)
        self.robot: RobotSpec = self._on.task.robot
        self._runtime = Runtime(bundle, AT_ONCE)

    @property
    def task(self) -> Task:
        """The task, of the episode that runs."""
        return self._on.task

    def run(self, seed: int) -> tuple[bool, float]:
        """Run the episode of ``seed``; returns success and reward."""
        reward, success = 0.0, False
        for _, gain, done in self.periods(seed):
            reward, success = reward + gain, done
        return success, reward

    def periods(self, seed: int) -> Iterator[tuple[Plant, float, bool]]:
        """Yield the plant, the reward and the success after each control period."""
        plant = self._on.plant
        self._on.start(seed)
        runtime = self._runtime
        runtime.watch.reset()
        self._sense(plant)
        runtime.activate(plant.time)
        # The policy gets its say in the second period; the first stands still.
        self._tick(plant)
        for _ in range(self.task.steps):
            self._tick(plant)
            self._on.watch()
            gain, done = self._on.judge()
            yield plant, gain, done

    def _tick(self, plant: Plant) -> None:
        runtime = self._runtime
        self._sense(plant)
        told = self._on.told()
        runtime.on_target(
            told["target_position"], told.get("target_quat_wxyz", UPRIGHT), plant.time
        )
        if "target_velocity" in told:
            runtime.on_target_velocity(told["target_velocity"], plant.time)
        if "object_position" in told:
            runtime.on_object(
                told["object_position"],
                told.get("object_quat_wxyz", UPRIGHT),
                plant.time,
            )
        step = runtime.step(plant.time)
        plant.command(np.array(step.command))
        plant.advance(runtime.contract.control_dt)

    def _sense(self, plant: Plant) -> None:
        reading = plant.read()
        self._runtime.on_joint_state(
            JointSample(
                self.robot.joint_names,
                reading.position.tolist(),
                reading.velocity.tolist(),
                reading.time,
                plant.time,
            )
        )


def evaluate_on_plant(
    bundle: Bundle, plant: str | None, *, episodes: int = 200, seed: int = SEED
) -> Evaluation:
    """Run ``episodes`` episodes of a bundle on the plant in the file ``plant``.

    Args:
        bundle: the policy.
        plant: plant file; the robot's nominal values where missing.
        episodes: number of episodes.
        seed: of the first episode.

    Raises:
        ForearmError: the plant file is bad, or the bundle may not be run here.
        LimitError: no episode was asked for.
    """
    if episodes < 1:
        raise LimitError(f"an evaluation needs at least one episode, got {episodes}")
    arm = plant_episodes(bundle, plant)
    outcomes = [arm.run(seed + i) for i in range(episodes)]
    success = np.array([done for done, _ in outcomes])
    return judge(success, np.array([reward for _, reward in outcomes]), seed)


def plant_episodes(bundle: Bundle, plant: str | None) -> PlantEpisodes:
    """Return the episodes of a bundle on the plant in a file; nominal where none.

    Raises:
        ForearmError: the plant file is bad, or the bundle may not be run here.
    """
    spec = load_plant(plant) if plant else PlantSpec()
    return PlantEpisodes(bundle, spec, Path(plant).parent if plant else None)
