"""The gripper is one more joint where it is commanded, and absent where it is not."""

import mujoco
import numpy as np
import pytest

from forearm.core.errors import LimitError
from forearm.core.interface import Interface
from forearm.core.kinematics import Kinematics
from forearm.core.observation import TERMS
from forearm.core.params import load_params, make_params, save_params
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.model import FieldMap, build_model

GRIPPERS = [name for name, robot in ROBOTS.items() if robot.gripper is not None]
grippers = pytest.mark.parametrize("name", GRIPPERS)


def settled(robot, command, seconds=1.5):
    model = build_model(robot)
    data, fields = mujoco.MjData(model), FieldMap(model, robot)
    data.qpos[fields.qpos] = robot.home
    for other in robot.gripper.mimic:
        data.joint(other).qpos = robot.gripper.joint.home
    data.ctrl[fields.actuator] = command
    mujoco.mj_step(model, data, nstep=round(seconds / model.opt.timestep))
    return model, data, fields


@grippers
def test_the_gripper_is_the_last_joint_and_the_arm_does_not_know_it(name):
    arm, whole = get_robot(name), get_robot(name).with_gripper()
    assert whole.joint_names == (*arm.joint_names, arm.gripper.joint.name)
    assert (arm.n, whole.n, whole.arm_n) == (whole.arm_n, arm.n + 1, arm.n)
    assert whole.arm == arm
    assert build_model(arm).nq == arm.n


def test_an_arm_without_gripper_says_so():
    with pytest.raises(LimitError, match="no gripper"):
        get_robot("ur5e").with_gripper()


@grippers
def test_the_chain_ends_at_the_tool_whatever_the_gripper_does(name):
    whole = get_robot(name).with_gripper()
    joint_pos = np.repeat(whole.home[None], 2, axis=0)
    joint_pos[:, -1] = whole.gripper.open, whole.gripper.closed
    pose = Kinematics(whole)(joint_pos)
    np.testing.assert_array_equal(pose.position[0], pose.position[1])
    assert pose.joint_axis.shape == (2, whole.arm_n, 3)


@grippers
def test_the_command_opens_and_closes_it_and_the_arm_stays(name):
    whole = get_robot(name).with_gripper()
    for wish in (whole.gripper.open, whole.gripper.closed):
        command = np.append(whole.arm.home, wish)
        _, data, fields = settled(whole, command)
        reached = data.qpos[fields.qpos]
        span = abs(whole.gripper.open - whole.gripper.closed)
        assert abs(reached[-1] - wish) < 0.03 * span
        # Hobby servos give way to gravity; what the fingers do must not matter more.
        assert np.abs(reached[:-1] - whole.arm.home).max() < 0.06
        for other in whole.gripper.mimic:
            assert abs(float(data.joint(other).qpos[0]) - reached[-1]) < 0.02 * span


@grippers
def test_observation_and_action_hold_it_and_its_metres_are_of_order_one(name):
    whole = get_robot(name).with_gripper()
    terms = tuple(t for t in TERMS if not TERMS[t].needs)
    face = Interface(whole, ("joint_pos", "joint_vel"), 0.02)
    assert face.action_size == whole.n
    assert face.sensors["joint_pos"] == whole.n
    sensors = {
        "joint_pos": np.where(np.arange(whole.n) < whole.arm_n, whole.home, 0.0)[None],
        "joint_vel": np.ones((1, whole.n)),
    }
    observed = face.observe(sensors)[0]
    slides = whole.joints[-1].prismatic
    half = 0.5 * (whole.upper[-1] - whole.lower[-1])
    scale = 1 / half if slides else 1.0
    assert observed[whole.n - 1] == pytest.approx(-whole.home[-1] * scale)
    assert observed[-1] == pytest.approx(scale)
    assert "tool_position" in terms


@grippers
def test_gradients_point_along_the_arm_only(name):
    arm, whole = get_robot(name), get_robot(name).with_gripper()
    for term in ("position_gradient", "rotation_gradient"):
        assert TERMS[term].width(whole) == TERMS[term].width(arm) == arm.n
    assert TERMS["joint_pos"].width(whole) == arm.n + 1


@grippers
def test_params_of_the_arm_serve_the_arm_with_its_gripper(name, tmp_path):
    arm, whole = get_robot(name), get_robot(name).with_gripper()
    path = tmp_path / "params.yaml"
    save_params(path, make_params(arm, {"coulomb": np.full(arm.n, 0.5)}))
    coulomb = load_params(path, whole).values(whole)["coulomb"]
    assert coulomb.tolist() == [0.5] * arm.n + [whole.joints[-1].coulomb]
    save_params(path, make_params(whole, {"coulomb": np.arange(1.0, whole.n + 1)}))
    coulomb = load_params(path, arm).values(arm)["coulomb"]
    assert coulomb.tolist() == list(np.arange(1.0, arm.n + 1))


def test_the_panda_closes_on_a_block_from_both_sides():
    whole = get_robot("panda").with_gripper()
    half_width = 0.015

    def hook(spec):
        hand = spec.body("panda_hand")
        block = spec.worldbody.add_body(name="block", pos=[0.0, 0.0, 0.0])
        block.add_freejoint()
        block.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.01, half_width, 0.01],
            mass=0.05,
            contype=3,
            conaffinity=3,
        )
        assert hand is not None

    model = build_model(whole, hook=hook)
    data, fields = mujoco.MjData(model), FieldMap(model, whole)
    data.qpos[fields.qpos] = whole.home
    data.joint("panda_finger_joint2").qpos = whole.gripper.open
    mujoco.mj_forward(model, data)
    block = data.body("block")
    address = model.jnt_qposadr[model.body_jntadr[block.id]]
    data.qpos[address : address + 3] = data.site(whole.tool_frame).xpos
    mujoco.mju_mat2Quat(
        data.qpos[address + 3 : address + 7], data.site(whole.tool_frame).xmat
    )
    data.ctrl[fields.actuator] = np.append(whole.arm.home, 0.0)
    model.opt.gravity[:] = 0
    mujoco.mj_step(model, data, nstep=500)
    model.opt.gravity[2] = -9.81
    before = block.xpos.copy()
    mujoco.mj_step(model, data, nstep=500)
    assert abs(data.joint("panda_finger_joint1").qpos[0] - half_width) < 2e-3
    assert np.abs(block.xpos - before).max() < 2e-3
    touched = {model.geom(int(g)).name for pair in data.contact.geom for g in pair}
    assert {"left_pad", "right_pad"} <= touched
