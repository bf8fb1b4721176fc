"""What a trained policy senses, over many episodes of its own training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forearm.core.robot import RobotSpec
from forearm.core.training_range import (
    PROBABILITIES,
    SERVO,
    SERVO_NEEDS,
    TrainingRange,
    servo_error,
)
from forearm.sim.loop import ArmLoop
from forearm.sim.randomization import Randomization
from forearm.sim.tasks import Task

from .actor import Actor

Singles = NDArray[np.float32]

EPISODES = 256
"""Simulations side by side; each runs two episodes."""


def training_range(
    actor: Actor,
    robot: RobotSpec,
    task: type[Task],
    randomization: Randomization,
    episodes: int = EPISODES,
) -> TrainingRange:
    """Return quantiles of every sensor of ``actor`` in its own closed loop.

    Args:
        actor: the policy.
        robot: the arm.
        task: what it was trained for.
        randomization: what it was trained with.
        episodes: simulations side by side.
    """
    loop = ArmLoop(robot, task, episodes, randomization=randomization)
    observation = loop.reset()
    rows: dict[str, list[Singles]] = {name: [] for name in actor.interface.sensors}
    for _ in range(2 * loop.task.steps):
        for name, found in rows.items():
            found.append(np.array(loop.sensors[name], np.float32))
        command = actor.act(loop.sensors, observation)
        observation = loop.step_command(command).observation
    values = {name: np.concatenate(found) for name, found in rows.items()}
    lag = None
    if set(SERVO_NEEDS) <= set(values):
        q, command, v = (values[name] for name in SERVO_NEEDS)
        lag = _lag(q, command, v)
        values[SERVO] = servo_error(q, command, v, lag).astype(np.float32)
    return TrainingRange(
        steps=episodes * 2 * loop.task.steps,
        probabilities=list(PROBABILITIES),
        quantiles={name: _quantiles(value) for name, value in values.items()},
        lag=None if lag is None else lag.astype(float).tolist(),
    )


def _lag(joint_pos: Singles, command: Singles, joint_vel: Singles) -> Singles:
    """Return the least-squares lag of each joint behind its command [s], (n,)."""
    error = command - joint_pos
    moved = np.maximum((joint_vel**2).sum(axis=0), 1e-9)
    return np.asarray((error * joint_vel).sum(axis=0) / moved, np.float32)


def _quantiles(value: NDArray[np.floating]) -> list[list[float]]:
    table = np.quantile(value.astype(float), PROBABILITIES, axis=0).T
    return [[float(q) for q in np.sort(row)] for row in table]
