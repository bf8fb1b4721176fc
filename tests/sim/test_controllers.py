"""The controllers of a plant: one acts at a time, and the last command is held."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forearm.core.robots import get_robot
from forearm.sim.controllers import Controllers
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec
from forearm.sim.trajectory import Trajectory

ROBOT = get_robot("ur5e")
SPEED = np.full(6, 0.1)


def arm(timeout: float = math.inf, **spec: object) -> tuple[Plant, Controllers]:
    plant = Plant(ROBOT, PlantSpec.model_validate({"robot": "ur5e", **spec}))
    return plant, Controllers(plant, timeout)


def test_a_trajectory_is_followed_without_lag_of_the_controllers_own() -> None:
    plant, controllers = arm()
    line = np.array([ROBOT.home, ROBOT.home + SPEED])
    controllers.follow(Trajectory(np.array([0.0, 1.0]), line, None))
    sent: list[tuple[float, float]] = []
    take = plant.command
    plant.command = lambda c: (sent.append((plant.time, c[0])), take(c))[1]  # type: ignore[method-assign]
    controllers.pass_time(0.8)
    times, commands = np.array(sent).T
    asked = ROBOT.home[0] + 0.1 * (times + 0.5e-3)
    np.testing.assert_allclose(commands, asked, atol=1e-9)
    assert len(sent) == 800


def test_a_velocity_is_integrated_until_it_has_been_silent_for_too_long() -> None:
    _, controllers = arm(timeout=0.2)
    controllers.velocity(SPEED)
    controllers.pass_time(1.0)
    went = controllers.reference() - ROBOT.home
    assert went == pytest.approx(0.2 * SPEED, abs=2e-3)


def test_a_velocity_without_a_timeout_is_held_for_ever() -> None:
    _, controllers = arm()
    controllers.velocity(SPEED)
    controllers.pass_time(1.0)
    assert controllers.reference() - ROBOT.home == pytest.approx(SPEED, abs=2e-3)


def test_a_position_the_way_loses_is_lost() -> None:
    plant, controllers = arm(command_delay={"mean": 0.0, "drop_rate": 0.5}, seed=1)
    moved = []
    for k in range(40):
        before = plant.joint_pos
        controllers.position(ROBOT.home + (0.05 if k % 2 else -0.05))
        controllers.pass_time(0.1)
        moved.append(np.abs(plant.joint_pos - before).max() > 0.01)
    assert 5 < sum(moved) < 35


def test_whoever_is_heard_last_acts_and_goes_on_from_there() -> None:
    _, controllers = arm()
    controllers.position(ROBOT.home + 0.1)
    controllers.pass_time(0.1)
    controllers.velocity(SPEED)
    controllers.pass_time(0.5)
    assert controllers.reference() - ROBOT.home == pytest.approx(0.15, abs=2e-3)
    controllers.position(ROBOT.home)
    controllers.pass_time(0.1)
    np.testing.assert_array_equal(controllers.reference(), ROBOT.home)
