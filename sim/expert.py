"""Expert: plans on the simulator itself; the bar a policy is measured against.

Model predictive path integral control (Williams et al., IEEE T-RO 34(6), 2018) of a
correction to a guide: each sample follows the task's guide in closed loop, disturbed by
its own smooth noise in joint velocity space, on a copy of the true state. The samples'
rewards weigh their noise. With a good guide a few samples suffice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.kinematics import Kinematics
from forearm.core.robot import RobotSpec

from .batch import ArmBatch
from .guides import Guide, Truth, make_guide
from .loop import ArmLoop
from .scene import Scene
from .tasks import State, Task

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How far, how often and how widely the expert thinks ahead."""

    samples: int = 8
    """Rollouts per decision; the first two are the last plan and the bare guide."""
    horizon: int = 16
    """Length of a rollout [control periods]."""
    period: int = 8
    """Control periods between decisions."""
    knots: int = 4
    """Points of the noise's spline along the horizon."""
    noise: float = 0.15
    """Standard deviation of the noise, as a share of the velocity limit."""
    temperature: float = 0.02
    """Reward difference that matters, per control period."""
    margin: float = 0.01
    """The bare guide is followed unless a sample beats it by this, per period."""


class Expert:
    """Commands every simulation of a loop with planned actions."""

    def __init__(self, loop: ArmLoop, plan: Plan | None = None, seed: int = 0) -> None:
        """Build the planning simulations beside those of ``loop``.

        Args:
            loop: the simulations to act in; its parameters must be nominal.
            plan: how to plan.
            seed: seed of the noise.
        """
        self.plan = plan or Plan()
        self._loop, robot = loop, loop.robot
        self._guide = make_guide(loop.task)
        size = loop.nsim * self.plan.samples
        self._copy = _Copy(robot, type(loop.task), size, loop.batch.longest_delay)
        self._source = np.repeat(np.arange(loop.nsim), self.plan.samples)
        self._seed = seed
        self._rngs = [np.random.default_rng((seed, i)) for i in range(loop.nsim)]
        self._residual = np.zeros((loop.nsim, self.plan.horizon, robot.n))
        self._tick = 0
        self._basis = _spline(self.plan.knots, self.plan.horizon)

    def restart(self, episodes: Iterable[int]) -> None:
        """Begin new episodes everywhere, with the noise of their numbers."""
        self._rngs = [np.random.default_rng((self._seed, i)) for i in episodes]
        self._guide.restart(np.arange(self._loop.nsim))
        self._residual[:] = 0.0
        self._tick = 0

    def act(self) -> Singles:
        """Return the actions of this control period, (nsim, n)."""
        if self._tick % self.plan.period == 0:
            self._decide()
        loop = self._loop
        action = self._guide.act(
            truth_of(
                loop.batch, loop.sensors["previous_command"], self._copy.kinematics
            )
        )
        action = action + self._residual[:, 0]
        self._residual = np.roll(self._residual, -1, axis=1)
        self._residual[:, -1] = 0.0
        self._tick += 1
        return np.asarray(np.clip(action, -1.0, 1.0), np.float32)

    def _decide(self) -> None:
        nsim, plan = self._loop.nsim, self.plan
        n = self._residual.shape[2]
        shape = (plan.samples, plan.knots, n)
        draws = np.stack([rng.standard_normal(shape) for rng in self._rngs])
        noise = plan.noise * np.einsum("hk,eskn->eshn", self._basis, draws)
        noise += self._residual[:, None]
        noise[:, 0] = self._residual
        noise[:, 1] = 0.0
        self._copy.load(self._loop, self._guide, self._source)
        score = self._copy.rollout(noise.reshape(nsim * plan.samples, plan.horizon, n))
        score = score.reshape(nsim, plan.samples) / plan.horizon
        trusted = score[:, 1] >= score.max(axis=1) - plan.margin
        score = score - score.max(axis=1, keepdims=True)
        weight = np.exp(score / plan.temperature)
        weight /= weight.sum(axis=1, keepdims=True)
        self._residual = np.einsum("es,eshn->ehn", weight, noise)
        self._residual[trusted] = 0.0


class _Copy:
    """Simulations that start from copies of true states."""

    def __init__(
        self, robot: RobotSpec, task: type[Task], size: int, longest_delay: float
    ) -> None:
        self.task = task(robot, size)
        self.kinematics = Kinematics(self.task.robot)
        self.interface = task.interface(robot)
        self.batch = ArmBatch(
            self.task.robot,
            size,
            control_dt=task.control_dt,
            hook=self.task.hook(),
            coarse=True,
            longest_delay=longest_delay,
        )
        self.task.bind(Scene(self.batch.model, self.batch.batch))
        self.guide = make_guide(self.task)
        self._memory: dict[str, Singles] = {}
        self._action = np.zeros((size, self.task.robot.n), np.float32)

    def load(self, loop: ArmLoop, guide: Guide, source: NDArray[np.intp]) -> None:
        """Take over the states ``source`` of a loop, its task and its guide."""
        self.batch.batch.state[:] = loop.batch.batch.state[source]
        copy_arrays(loop.task, self.task, loop.nsim, source)
        copy_arrays(guide, self.guide, loop.nsim, source)
        self._memory = {
            name: np.array(loop.sensors[name])[source]
            for name in ("previous_command", "previous_command_vel")
        }
        self._action[:] = 0.0

    def rollout(self, noise: Floats) -> Floats:
        """Follow the guide plus ``noise`` (size, horizon, n); return reward sums."""
        total = np.zeros(len(noise))
        memory, dt = self._memory, np.float32(self.task.control_dt)
        for step in range(noise.shape[1]):
            truth = truth_of(self.batch, memory["previous_command"], self.kinematics)
            wish = np.clip(self.guide.act(truth) + noise[:, step], -1.0, 1.0)
            action = wish.astype(np.float32)
            command = self.interface.command(action, memory)
            memory["previous_command_vel"] = (command - memory["previous_command"]) / dt
            memory["previous_command"] = command
            self.batch.step(command)
            self.task.watch()
            joint_pos = self.batch.joint_pos.astype(np.float32)
            state = State(
                self.kinematics(joint_pos),
                joint_pos,
                self.batch.joint_vel.astype(np.float32),
                action,
                self._action,
            )
            reward, success = self.task.evaluate(state)
            total += np.nan_to_num(reward + success, nan=-1.0)
            self._action = action
        return total


def truth_of(batch: ArmBatch, command: Singles, kinematics: Kinematics) -> Truth:
    """Return what a guide looks at."""
    joint_pos = batch.joint_pos
    return Truth(joint_pos, np.asarray(command, np.float64), kinematics(joint_pos))


def copy_arrays(source: Any, target: Any, nsim: int, ids: NDArray[np.intp]) -> None:
    """Copy every array over the simulations from one object to its like.

    An attribute is one if its first axis has ``nsim`` entries and its like in
    ``target`` has ``len(ids)``. What a camera sees is not copied: an expert looks at
    the true state.
    """
    for name, value in vars(source).items():
        like = getattr(target, name, None)
        if not isinstance(value, np.ndarray) or not isinstance(like, np.ndarray):
            continue
        shape = (len(ids), *value.shape[1:])
        if value.shape[:1] == (nsim,) and like.shape == shape:
            like[...] = value[ids]


def _spline(knots: int, horizon: int) -> Floats:
    """Return the weights (horizon, knots) of a piecewise linear curve."""
    at = np.linspace(0.0, knots - 1.0, horizon)
    return np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(knots)))
