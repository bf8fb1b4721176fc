"""Every arm's MJCF says what its maker publishes, and behaves like a machine."""

import mujoco
import numpy as np
import pytest

from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.model import FieldMap, build_model, check_model
from forearm.sim.tasks.reach import reach_pool

ARMS = list(ROBOTS)
"""The servo on a pendulum is a test bench: no table, no links that could touch."""

robots = pytest.mark.parametrize("name", ARMS)
every = pytest.mark.parametrize("name", ROBOTS)

LINK_MASSES = {
    # kg, base to tool; the sources stand in each MJCF
    "ur5e": (3.761, 8.058, 2.846, 1.37, 1.3, 0.365),
    "ur10e": (7.369, 13.051, 3.989, 2.1, 1.98, 0.615),
    "so101": (0.100006, 0.103, 0.104, 0.079, 0.087),
    "panda": (2.7907, 2.542, 2.2513, 2.2037, 2.2855, 1.353, 0.35973),
}


@robots
def test_the_links_weigh_what_the_maker_publishes(name):
    fields = FieldMap(build_model(ROBOTS[name]), ROBOTS[name])
    np.testing.assert_allclose(fields.link_mass, LINK_MASSES[name], rtol=1e-12)


@every
def test_the_kinematics_in_core_are_those_of_the_model(name):
    check_model(build_model(ROBOTS[name]), ROBOTS[name])


@every
def test_every_inertia_is_one_a_body_can_have(name):
    model = build_model(ROBOTS[name])
    assert (model.body_mass[1:] > 0).all()
    for inertia in model.body_inertia[1:]:
        assert (inertia > 0).all()
        # Principal moments of any mass distribution obey the triangle inequality.
        assert 2 * inertia.max() <= inertia.sum() * (1 + 1e-9)


@robots
def test_the_model_carries_every_limit_of_the_spec(name):
    robot, model = ROBOTS[name], build_model(ROBOTS[name])
    for joint in robot.joints:
        compiled = model.joint(joint.name)
        assert list(compiled.range) == [joint.lower, joint.upper]
        assert list(model.jnt_actfrcrange[compiled.id]) == [-joint.effort, joint.effort]


@robots
def test_the_arm_rests_at_home_touching_nothing_and_sags_as_its_controller_lets_it(
    name,
):
    robot, model = ROBOTS[name], build_model(ROBOTS[name])
    data, fields = mujoco.MjData(model), FieldMap(model, robot)
    data.qpos[fields.qpos] = data.ctrl[fields.actuator] = robot.home
    mujoco.mj_forward(model, data)
    weight = np.abs(data.qfrc_bias[fields.dof])
    mujoco.mj_step(model, data, nstep=1000)
    sag = np.abs(data.qpos[fields.qpos] - robot.home)
    if robot.gravity_compensated:
        assert sag.max() < 1e-6
    else:
        # In rest the position error carries what friction does not.
        kp, coulomb = robot.vector("kp"), robot.vector("coulomb")
        assert (sag <= 1.05 * weight / kp + 1e-3).all()
        assert (sag >= 0.95 * (weight - coulomb) / kp - 1e-3).all()
        assert sag.max() > 5e-3
    assert data.ncon == 0
    assert not data.warning.number.any()


@robots
def test_the_servos_carry_the_stretched_arm_within_their_torque(name):
    robot, model = ROBOTS[name], build_model(ROBOTS[name])
    data, fields = mujoco.MjData(model), FieldMap(model, robot)
    effort = robot.vector("effort")
    model.body_gravcomp[:] = 0
    for joint_pos in np.random.default_rng(0).uniform(
        robot.lower, robot.upper, (200, robot.n)
    ):
        data.qpos[fields.qpos] = joint_pos
        mujoco.mj_forward(model, data)
        assert (np.abs(data.qfrc_bias[fields.dof]) < effort).all()


@robots
def test_an_arm_folded_into_itself_or_the_table_touches(name):
    robot, model = ROBOTS[name], build_model(ROBOTS[name])
    data, fields = mujoco.MjData(model), FieldMap(model, robot)
    rng, table = np.random.default_rng(0), model.geom("table").id
    on_table, on_itself = 0, 0
    for joint_pos in rng.uniform(robot.lower, robot.upper, (1000, robot.n)):
        data.qpos[fields.qpos] = joint_pos
        mujoco.mj_fwdPosition(model, data)
        touched = (data.contact.geom == table).any(axis=1)
        on_table += bool(touched.any())
        on_itself += bool((~touched).any())
    # Uniform configurations reach through the table and the own links again and again;
    # the panda's joint limits leave it the least of that.
    assert on_table > 50
    assert on_itself > 20, on_itself


@robots
def test_home_is_where_reach_may_start(name):
    robot = get_robot(name)
    pool = reach_pool(robot)
    away = np.abs(pool.joint_pos - robot.home).min(axis=0)
    assert (away < 0.05).all()
    assert np.ptp(pool.position, axis=0).min() > 0.1


def test_the_hobby_servo_weakens_with_speed_as_its_supply_demands():
    robot = get_robot("so101")
    model, joint = build_model(robot), robot.joints[0]
    motor = joint.motor
    ratio = motor.constant / motor.resistance
    for error, speed in ((0.0, 1.0), (0.05, 1.0), (1.0, 0.0), (1.0, 3.0), (-1.0, 2.0)):
        data = mujoco.MjData(model)
        data.qvel[:], data.ctrl[:] = speed, error
        mujoco.mj_forward(model, data)
        wish = joint.kp * error - joint.kv * speed
        back = motor.constant * speed
        bound = ratio * (np.array([-1, 1]) * motor.voltage - back)
        assert data.actuator_force[0] == pytest.approx(np.clip(wish, *bound))
        assert abs(data.joint(joint.name).qfrc_actuator[0]) <= joint.effort


def test_a_weak_motor_and_other_gains_reach_the_compiled_motor():
    robot = get_robot("so101")
    values = {"torque_scale": np.full(5, 0.5), "kp": np.full(5, 10.0)}
    model = build_model(robot, values)
    data = mujoco.MjData(model)
    data.ctrl[:] = 0.05
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.actuator_force, 0.5 * 10.0 * 0.05)
    data.ctrl[:] = 9.0
    mujoco.mj_forward(model, data)
    motor = robot.joints[0].motor
    stall = motor.constant / motor.resistance * motor.voltage
    np.testing.assert_allclose(data.actuator_force, 0.5 * stall)
