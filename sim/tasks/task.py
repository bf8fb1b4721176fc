"""Task: what an episode asks for, when it succeeds, and its shaped reward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forearm.core.arrays import Array
from forearm.core.errors import LimitError
from forearm.core.interface import CommandLimits, Interface
from forearm.core.kinematics import ToolPose
from forearm.core.robot import RobotSpec
from forearm.core.robots import BENCHES, ROBOTS
from forearm.sim.goals import Goal
from forearm.sim.model import SpecHook
from forearm.sim.scene import Scene

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ids = NDArray[np.intp]


@dataclass(frozen=True)
class State:
    """The true state a task judges; never seen by a policy. Float32 arrays."""

    pose: ToolPose
    """True tool pose."""
    joint_pos: Singles
    """True joint positions [rad], (nsim, n)."""
    joint_vel: Singles
    """True joint velocities [rad/s], (nsim, n)."""
    action: Singles
    """Action just taken, (nsim, n)."""
    previous_action: Singles
    """Action before it, (nsim, n)."""
    score: Mapping[str, Array] = field(default_factory=dict)
    """What :meth:`Task.score` says of it, where the loop has played that already."""


class Task(ABC):
    """One task for ``nsim`` simulations of one arm.

    The loop calls :meth:`bind` once, :meth:`reset` and then :meth:`place` when
    episodes start, :meth:`watch` and :meth:`evaluate` after each control period.
    """

    name: ClassVar[str]
    """Name on the command line."""
    summary: ClassVar[str]
    """One line for ``forearm tasks``."""
    success: ClassVar[str]
    """What a true success is, in words and numbers, for ``forearm tasks``."""
    terms: ClassVar[tuple[str, ...]]
    """Observation terms, in order."""
    episode_time: ClassVar[float]
    """Length of an episode [s]."""
    control_dt: ClassVar[float]
    """Control period [s]."""
    goal: ClassVar[Goal | None] = None
    """What hindsight may ask for instead; none where a state is no goal."""
    limits: ClassVar[CommandLimits] = CommandLimits()
    """What the policy's command never exceeds."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare buffers for ``nsim`` simulations of ``robot``, tool included.

        Raises:
            LimitError: the robot is a servo on a test bench.
        """
        if robot.name in BENCHES:
            raise LimitError(
                f"{robot.name} is a servo on a test bench, for calibration; task "
                f"{self.name!r} needs an arm: {', '.join(ROBOTS)}"
            )
        self.robot = self.equip(robot)
        self.nsim = nsim
        self.steps = round(self.episode_time / self.control_dt)

    @classmethod
    def equip(cls, robot: RobotSpec) -> RobotSpec:
        """Return the arm with the task's tool; twice is the same as once.

        A tool moves the tool frame to its tip, so that kinematics, observation and
        command all speak of the point that works.
        """
        return robot

    @classmethod
    def interface(cls, robot: RobotSpec) -> Interface:
        """Return what a policy of this task senses and commands on ``robot``."""
        return Interface(cls.equip(robot), cls.terms, cls.control_dt, cls.limits)

    def hook(self) -> SpecHook | None:
        """Return what adds the task's tool and objects to the model."""
        return None

    def bind(self, scene: Scene) -> None:
        """Keep the scene, where :meth:`hook` added something to it."""
        self.scene = scene

    @abstractmethod
    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Choose goals for ``ids``; return start joint positions [rad] (k, n)."""

    def place(self, ids: Ids, rngs: list[np.random.Generator]) -> None:  # noqa: B027
        """Put the objects of ``ids`` where their episodes start."""

    def watch(self) -> None:  # noqa: B027
        """Take note of the objects after a control period, as a camera does."""

    @abstractmethod
    def sensors(self) -> Mapping[str, Singles]:
        """Return the task's own sensor arrays, (nsim, size) each."""

    @classmethod
    def score(cls, given: Mapping[str, Array]) -> dict[str, Array]:
        """Return what :meth:`evaluate` may know of a moment, over the array API.

        The loop records it and plays it for all simulations with the observation.

        Args:
            given: true ``position`` [m] (..., 3) and ``rotation`` (..., 3, 3) of the
                tool, ``action`` and ``previous_action`` (..., n), the task's sensors.
        """
        del given
        return {}

    @abstractmethod
    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Return the shaped reward and whether it succeeds now, (nsim,) each."""

    @abstractmethod
    def info(self) -> dict[str, Any]:
        """What success means, in numbers, for the contract."""
