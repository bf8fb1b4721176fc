"""Gear effects of the batch agree with the stand-in that is written on its own."""

import numpy as np
import pytest

from forearm.core.robots import get_robot
from forearm.sim.batch import ArmBatch
from forearm.sim.friction import renewals
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
STEPS, DT = 150, 0.02
HALF_COULOMB = [2.0, 2.0, 2.0, 0.5, 0.5, 0.5]


def command(step):
    """Return a swing of all joints through standstill, one reversal a second."""
    swing = 0.3 * (1 - np.cos(np.pi * step * DT))
    return ROBOT.home + swing * np.array([1, 0.6, -0.8, 1, -1, 1])


def plant_motion(content):
    plant = Plant(ROBOT, PlantSpec.model_validate({"timestep": 0.002, **content}))
    motion = []
    for step in range(STEPS):
        plant.command(command(step))
        plant.advance(DT)
        motion.append(plant.joint_pos)
    return np.array(motion)


def per_joint(value):
    return np.broadcast_to(np.array(value, float), (1, ROBOT.n))


def batch_motion(values, other=None):
    """Return the motion of simulation 1; simulation 0 has the ``other`` values."""
    batch, ids = ArmBatch(ROBOT, 2), np.arange(2)
    batch.set_values(ids[1:], {k: per_joint(v) for k, v in values.items()})
    for name, value in (other or {}).items():
        batch.set_values(ids[:1], {name: per_joint(value)})
    batch.reset(ids, np.repeat(ROBOT.home[None], 2, axis=0))
    motion = []
    for step in range(STEPS):
        batch.step(np.repeat(command(step)[None], 2, axis=0))
        motion.append(batch.joint_pos[1].copy())
    return np.array(motion)


CASES = {
    "load": ({"friction": {"load_dependent": 0.2}}, {"load_friction": 0.2}),
    "stribeck": (
        {"friction": {"stribeck": HALF_COULOMB, "stribeck_velocity": 0.15}},
        {"stribeck": HALF_COULOMB, "stribeck_velocity": 0.15},
    ),
    "both": (
        {"friction": {"stribeck": 2.0, "load_dependent": 0.1}},
        {"stribeck": 2.0, "stribeck_velocity": 0.1, "load_friction": 0.1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_gear_friction_agrees_with_the_stand_in(name):
    """Within 0.2 mrad and a fifth of the effect, a third where it is all standstill:
    there the stand-in creeps (its sign function is smooth) and a constraint holds."""
    content, values = CASES[name]
    plain, truth = plant_motion({}), plant_motion(content)
    ours = batch_motion(values)

    def rms(error):
        return np.sqrt(np.square(error).mean())

    effect = rms(truth - plain)
    assert effect > 1e-4
    assert rms(ours - truth) < 2e-4
    assert rms(ours - truth) < (1 / 3 if name == "stribeck" else 0.2) * effect


def swing(values, renewals):
    batch, ids = ArmBatch(ROBOT, 1), np.array([0])
    batch._bind_gears(renewals)
    batch.set_values(ids, values)
    batch.reset(ids, ROBOT.home[None])
    motion = []
    for step in range(STEPS):
        batch.step(command(step)[None])
        motion.append(batch.joint_pos[0].copy())
    return np.array(motion)


def test_one_renewal_a_period_comes_close_to_one_in_every_step():
    """Within a sixth of the effect; by the last step's torque it would miss 2/5."""
    values = {"load_friction": np.full((1, 6), 0.1), "stribeck": np.ones((1, 6))}
    exact, plain = swing(values, [1] * 10), swing({}, [10])

    def rms(error):
        return np.sqrt(np.square(error).mean())

    coarse = renewals(10, 0.002, coarse=True)
    assert len(coarse) == 1
    assert 0 < rms(swing(values, coarse) - exact) < rms(plain - exact) / 6


@pytest.mark.parametrize("decimation", [1, 2, 3, 10, 25])
@pytest.mark.parametrize("coarse", [False, True])
def test_renewals_fill_the_control_period(decimation, coarse):
    steps = renewals(decimation, 0.002, coarse=coarse)
    assert sum(steps) == decimation
    assert min(steps) > 0


def test_backlash_agrees_with_the_stand_in():
    truth = plant_motion({"backlash": 0.01})
    ours = batch_motion({"backlash": 0.01})
    np.testing.assert_allclose(ours, truth, atol=1e-9)


def test_an_arm_without_gear_effects_does_not_feel_its_neighbours():
    alone = batch_motion({})
    beside = batch_motion({}, {"load_friction": 0.3, "stribeck": 3.0, "backlash": 0.01})
    np.testing.assert_array_equal(alone, beside)


def test_a_new_episode_forgets_the_last_ones_torque_and_play():
    batch, ids = ArmBatch(ROBOT, 1), np.array([0])
    batch.set_values(
        ids, {"load_friction": np.full((1, 6), 0.3), "backlash": np.full((1, 6), 0.01)}
    )
    runs = []
    for _ in range(2):
        batch.reset(ids, ROBOT.home[None])
        for step in range(20):
            batch.step(command(step)[None])
        runs.append(batch.joint_pos.copy())
    np.testing.assert_array_equal(*runs)
