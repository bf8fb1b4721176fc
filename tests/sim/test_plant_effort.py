"""A plant under efforts: the servo's loop is off, and on again with a position."""

import numpy as np
import pytest

from forearm.core.errors import LimitError
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")


def pushed(spec=None, *, effort=20.0, seconds=0.2):
    plant = Plant(ROBOT, spec)
    plant.command_effort(np.array([effort, 0, 0, 0, 0, 0.0]))
    plant.advance(seconds)
    return plant


def test_a_constant_effort_moves_the_arm_for_ever_against_its_friction():
    plant = pushed(seconds=2.5)
    joint = ROBOT.joints[0]
    fastest = (20.0 - joint.coulomb) / joint.viscous
    assert plant.joint_vel[0] == pytest.approx(fastest, rel=0.05)


def test_the_effort_that_is_read_back_is_the_one_commanded():
    # The controller of this arm carries its weight, which a vertical axis has none of.
    assert pushed().read().effort[0] == pytest.approx(20.0, abs=1e-6)


def test_an_effort_beyond_the_limit_is_cut():
    assert pushed(effort=1e4).read().effort[0] == pytest.approx(150.0)


def test_no_effort_lets_a_carried_arm_be():
    plant = pushed(effort=0.0, seconds=1.0)
    assert np.abs(plant.joint_pos - ROBOT.home).max() < 1e-3


def test_a_motor_gives_the_effort_and_an_arm_that_nobody_carries_falls():
    robot = get_robot("so101")
    plant = Plant(robot)
    plant.command_effort(np.zeros(robot.n))
    plant.advance(1.0)
    assert np.abs(plant.joint_pos - robot.home).max() > 0.1
    plant.reset(robot.home)
    plant.command_effort(np.array([0.3, 0, 0, 0, 0]))
    plant.advance(0.02)
    assert plant.read().effort[0] == pytest.approx(0.3, abs=0.02)


def test_efforts_arrive_late_as_commands_do_and_a_position_ends_them():
    spec = PlantSpec.model_validate({"command_delay": {"mean": 0.1}})
    assert np.abs(pushed(spec, seconds=0.09).joint_vel).max() < 1e-6
    plant = pushed(spec, seconds=0.3)
    assert plant.joint_vel[0] > 0.1
    plant.command(ROBOT.home)
    plant.advance(3.0)
    assert np.abs(plant.joint_pos - ROBOT.home).max() < 0.005


@pytest.mark.parametrize("effort", [np.zeros(5), np.full(6, np.nan)])
def test_a_malformed_effort_is_refused(effort):
    with pytest.raises(LimitError, match="6 finite numbers"):
        Plant(ROBOT).command_effort(effort)
