"""The compiled model says what the spec and the params say."""

import mujoco
import numpy as np
import pytest

from forearm.core.errors import LimitError, MismatchError
from forearm.core.params import nominal_values
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.model import GRAVITY, build_model, check_model


@pytest.mark.parametrize("name", ROBOTS)
def test_the_mjcf_has_the_tool_pose_of_the_spec(name):
    check_model(build_model(ROBOTS[name]), ROBOTS[name])


def test_a_model_with_a_shifted_tool_is_refused():
    robot = get_robot("ur5e")
    model = build_model(robot)
    model.body("forearm_link").pos[0] += 1e-3
    with pytest.raises(MismatchError, match="tool pose"):
        check_model(model, robot)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_model_carries_the_limits_and_gains_of_the_spec(name):
    robot = ROBOTS[name]
    model = build_model(robot)
    for i, joint in enumerate(robot.joints):
        compiled = model.joint(joint.name)
        assert list(compiled.range) == [joint.lower, joint.upper]
        if joint.motor is None:
            assert model.actuator_gainprm[i, 0] == joint.kp
            assert list(model.actuator_biasprm[i, :3]) == [0, -joint.kp, -joint.kv]
        assert model.dof_armature[i] == joint.armature
        assert model.dof_frictionloss[i] == joint.coulomb


def test_the_servo_holds_home_against_gravity_without_sagging():
    robot = get_robot("ur5e")
    model = build_model(robot)
    data = mujoco.MjData(model)
    data.qpos[:] = data.ctrl[:] = robot.home
    mujoco.mj_step(model, data, nstep=1000)
    assert np.abs(data.qpos - robot.home).max() < 1e-6
    assert data.ncon == 0


def test_a_payload_that_nobody_compensates_makes_the_arm_sag():
    robot = get_robot("ur5e")
    model = build_model(robot, {"payload_mass": np.array([2.0])})
    data = mujoco.MjData(model)
    data.qpos[:] = data.ctrl[:] = robot.home
    mujoco.mj_step(model, data, nstep=2000)
    sag = data.qpos - robot.home
    # In rest the servo's torque error equals the load's moment about the joint.
    site = data.site(robot.tool_frame).xpos
    anchor = data.joint("shoulder_lift_joint").xanchor
    moment = 2.0 * GRAVITY * np.hypot(*(site - anchor)[:2])
    coulomb = robot.joints[1].coulomb
    assert abs(abs(sag[1]) * robot.joints[1].kp - moment) < coulomb + 0.2 * moment


def test_a_value_that_is_not_finite_is_refused():
    robot = get_robot("ur5e")
    with pytest.raises(LimitError, match="kp"):
        build_model(robot, {"kp": np.full(6, np.nan)})


def test_a_heavier_link_moves_every_derived_constant():
    robot = get_robot("ur5e")
    values = nominal_values(robot)
    values["link_mass_scale"] = np.full(6, 2.0)
    light, heavy = build_model(robot), build_model(robot, values)
    links = [light.jnt_bodyid[i] for i in range(6)]
    assert np.allclose(heavy.body_mass[links], 2 * light.body_mass[links])
    assert np.allclose(heavy.body_inertia[links], 2 * light.body_inertia[links])
    assert (heavy.dof_M0 > light.dof_M0).all()
