"""Record a plant without ROS: what a log of it looks like."""

from __future__ import annotations

import numpy as np

from forearm.core.log import Floats, RunLog, make_log
from forearm.core.robot import RobotSpec
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec

STATE_RATE, EVERY = 100, 2
"""Joint states per second, and how many of them per command."""

WAVES, SPEED = 4, 0.05
"""Sines per joint, and the speed amplitude of each over 2 pi [rad/s]."""

TORQUE_NOISE = 1e-3
"""Torque noise as a part of the joint's limit."""


def record_plant(
    robot: RobotSpec, spec: PlantSpec, seconds: float, rng: np.random.Generator
) -> RunLog:
    """Return a log of the plant around home under a sum of sines, faded in.

    Args:
        robot: the arm.
        spec: the plant.
        seconds: how long it moves [s].
        rng: chooses the motion and the torque noise.
    """
    rate = rng.uniform(0.15, 1.5, (WAVES, robot.n))
    phase = rng.uniform(0, 2 * np.pi, (WAVES, robot.n))
    time = np.arange(round(seconds * STATE_RATE))[:, None, None] / STATE_RATE
    wave = (SPEED / rate * np.sin(2 * np.pi * rate * time + phase)).sum(axis=1)
    path = robot.home + np.minimum(1.0, time[:, 0]) * wave
    return record_path(robot, spec, path, rng)


def record_path(
    robot: RobotSpec, spec: PlantSpec, path: Floats, rng: np.random.Generator
) -> RunLog:
    """Return a log of the plant that is sent every second row of a path.

    Args:
        robot: the arm.
        spec: the plant.
        path: joint positions every 10 ms [rad], (T, n).
        rng: makes the torque noise.
    """
    plant = Plant(robot, spec)
    states, sent = [], []
    for tick, command in enumerate(path):
        if tick % EVERY == 0:
            plant.command(command)
            sent.append((plant.time, command))
        plant.advance(1.0 / STATE_RATE)
        states.append(plant.read())
    effort = np.array([s.effort for s in states])
    noise = TORQUE_NOISE * robot.vector("effort") * rng.standard_normal(effort.shape)
    return make_log(
        robot.joint_names,
        np.array([s.time for s in states]),
        np.array([s.position for s in states]),
        np.array([s.velocity for s in states]),
        effort + noise,
        np.array([t for t, _ in sent]),
        np.array([c for _, c in sent]),
        source=f"plant {spec.seed}",
    )
