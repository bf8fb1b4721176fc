"""A task on a plant: its tool and objects, its starts and goals, its true success."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forearm.core.kinematics import Kinematics
from forearm.core.robot import RobotSpec

from .plant import Plant
from .plant_spec import PlantSpec
from .scene import Scene
from .tasks import State, Task


class _OneOf:
    """A plant's arrays as a batch of one, for a task's scene."""

    def __init__(self, plant: Plant) -> None:
        self._data = plant.data

    def bind(self, name: str) -> NDArray[np.float64]:
        array: NDArray[np.float64] = getattr(self._data, name)[None]
        return array


class PlantTask:
    """One episode after the other of one task on one plant.

    Starts, goals and what a camera sees follow from an episode's seed alone; they are
    those of the simulator's evaluations.
    """

    def __init__(
        self,
        robot: RobotSpec,
        task: type[Task],
        spec: PlantSpec | None = None,
        folder: Path | None = None,
    ) -> None:
        """Build the arm with the task's tool, and the objects.

        Args:
            robot: the arm, with or without the task's tool.
            task: the task.
            spec: what the arm hides; nominal where missing.
            folder: folder of the spec, for a params file beside it.

        Raises:
            ForearmError: the spec does not fit the robot.
        """
        self.task = task(robot, 1)
        """The task, for one simulation."""
        self.plant = Plant(self.task.robot, spec, folder=folder, hook=self.task.hook())
        """The arm among the task's objects."""
        self.task.bind(Scene(self.plant.model, _OneOf(self.plant)))
        self._kinematics = Kinematics(self.task.robot)
        self._zeros = np.zeros((1, self.task.robot.n), np.float32)

    def start(self, seed: int, time: float = 0.0) -> None:
        """Put arm and objects where the episode of ``seed`` starts, at rest.

        Args:
            seed: of the episode.
            time: physics time from which the plant goes on [s].
        """
        rngs, one = [np.random.default_rng(seed)], np.zeros(1, np.intp)
        self.plant.reset(self.task.reset(one, rngs)[0], time)
        self.task.place(one, rngs)

    def told(self) -> dict[str, list[float]]:
        """Return what a policy is told of the task now, by sensor, SI units."""
        return {name: v[0].tolist() for name, v in self.task.sensors().items()}

    def watch(self) -> None:
        """Let the camera look and the goal move, after each control period."""
        self.task.watch()

    def judge(self) -> tuple[float, bool]:
        """Return reward and true success of the control period that has passed."""
        position = self.plant.joint_pos[None].astype(np.float32)
        velocity = self.plant.joint_vel[None].astype(np.float32)
        pose, zeros = self._kinematics(position), self._zeros
        state = State(pose, position, velocity, zeros, zeros)
        reward, success = self.task.evaluate(state)
        return float(reward[0]), bool(success[0])
