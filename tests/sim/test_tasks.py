"""Tasks: what counts as success, and that it can be done and not by chance."""

import numpy as np
import pytest

from forearm.core.errors import ForearmError, LimitError
from forearm.core.interface import CommandLimits, Interface
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim import registration
from forearm.sim.goal_env import TARGETS, ArmGoalEnv, GoalLayout
from forearm.sim.loop import ArmLoop
from forearm.sim.tasks import TASKS, Task, get_task
from forearm.sim.tools import find_spots

UR5E = get_robot("ur5e")
GOALS = [name for name, task in TASKS.items() if task.goal is not None]


def _still(loop):
    return loop.step(np.zeros((loop.nsim, loop.robot.n), np.float32))


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_there_on_every_robot(name, robot):
    loop = ArmLoop(get_robot(robot), get_task(name), 2)
    assert np.isfinite(loop.reset()).all()
    assert np.isfinite(_still(loop).reward).all()
    info = loop.task.info()
    assert (np.array(info["target_low"]) <= info["target_high"]).all()


@pytest.mark.parametrize("name", TASKS)
def test_equipping_twice_is_the_same_as_once(name):
    task = get_task(name)
    once = task.equip(UR5E)
    assert task.equip(once) == once


def test_every_environment_has_its_task_and_the_other_way_round():
    assert set(registration.TASK_NAMES) == set(TASKS)
    assert set(registration.GOAL_NAMES) == set(GOALS)


@pytest.mark.parametrize("name", ["push", "pick_place"])
def test_the_tool_frame_of_the_kinematics_is_where_the_model_has_its_tip(name):
    loop = ArmLoop(UR5E, get_task(name), 1)
    loop.reset()
    loop.batch.batch.bind("geom_xpos")
    loop.batch.batch.forward()
    model = loop.batch.model
    xpos = loop.batch.batch.bind("geom_xpos")[0]
    tip = loop.interface._kinematics(loop.batch.joint_pos).position[0]
    if name == "push":
        rod = model.geom("rod")
        expected = loop.task.size * 0.5 * 0.08
        assert np.linalg.norm(tip - xpos[rod.id]) == pytest.approx(expected, abs=1e-6)
    else:
        pads = [i for i in range(model.ngeom) if model.geom(i).name.endswith("_pad")]
        middle = xpos[pads].mean(axis=0)
        assert np.linalg.norm(tip - middle) == pytest.approx(0.018, abs=1e-6)


def test_a_puck_on_its_target_succeeds_only_after_it_stayed_there():
    loop = ArmLoop(UR5E, get_task("push"), 2)
    loop.reset()
    task, ids = loop.task, np.array([0])
    quat = np.array([[1.0, 0.0, 0.0, 0.0]])
    task.scene.place(ids, "puck", task.target[ids].astype(float), quat)
    seen = np.array([_still(loop).success for _ in range(20)])
    hold = round(task.hold_time / task.control_dt)
    assert not seen[: hold - 1, 0].any()
    assert seen[hold - 1 :, 0].all()
    assert not seen[:, 1].any()


def test_a_can_held_over_the_stand_or_beside_it_is_no_success():
    loop = ArmLoop(UR5E, get_task("pick_place"), 4)
    loop.reset()
    task = loop.task
    place = task.target.astype(float)
    place[1, 0] += 0.03
    place[2, 2] = task.half
    tip = loop.interface._kinematics(loop.batch.joint_pos).position
    place[3] = tip[3]
    quat = np.repeat(np.array([[1.0, 0.0, 0.0, 0.0]]), 4, axis=0)
    reached = np.zeros(4, np.bool_)
    for _ in range(25):
        # The table is pushed aside by the hand of the test: objects stay put.
        task.scene.place(np.arange(4), "can", place, quat)
        reached |= _still(loop).success
    assert reached.tolist() == [True, False, False, False]


def test_a_peg_above_the_hole_or_beside_it_is_not_inside():
    task = get_task("insert")(UR5E, 3)
    task.target[:] = (0.5, 0.1, 0.0)
    position = np.float32([[0.5, 0.1, 0.015], [0.5, 0.1, 0.03], [0.51, 0.1, 0.01]])
    depth, off = task.depth(position)
    np.testing.assert_allclose(depth, [0.035, 0.02, 0.04], atol=1e-6)
    np.testing.assert_allclose(off, [0.0, 0.0, 0.01], atol=1e-6)


def test_the_hole_is_a_millimetre_wider_than_the_peg():
    loop = ArmLoop(UR5E, get_task("insert"), 1)
    model = loop.batch.model
    walls = [model.geom(f"wall_{i}") for i in range(4)]
    inner = min(abs(w.pos[:2]).max() - w.size[:2].min() for w in walls)
    assert 2 * (inner - model.geom("rod").size[0]) == pytest.approx(0.001, abs=1e-9)


def test_a_path_is_where_its_own_velocity_leads():
    loop = ArmLoop(UR5E, get_task("track"), 3)
    loop.reset()
    before = {k: v.copy() for k, v in loop.task.sensors().items()}
    loop.task.time += 1e-3
    after = loop.task.sensors()
    moved = (after["target_position"] - before["target_position"]) / 1e-3
    # Positions of half a metre in float32 are known to 3e-8 m, so speeds to 6e-5 m/s.
    np.testing.assert_allclose(moved, before["target_velocity"], atol=2e-3)


def test_points_out_of_reach_are_refused_at_construction():
    with pytest.raises(LimitError, match="pointing down"):
        find_spots(UR5E, (1.5,))


@pytest.mark.parametrize("name", GOALS)
def test_the_reward_of_a_goal_environment_follows_from_its_goals_alone(name):
    env = ArmGoalEnv(name)
    seen, _ = env.reset(seed=3)
    for _ in range(3):
        seen, reward, _, _, info = env.step(env.action_space.sample())
        goals = seen["achieved_goal"], seen["desired_goal"]
        assert reward == env.compute_reward(*goals, info) == -1.0
    own = seen["achieved_goal"]
    assert env.compute_reward(own, own, {}) == 0.0
    rows = env.compute_reward(np.stack([own] * 4), np.stack([own] * 4), [{}] * 4)
    assert rows.tolist() == [0.0] * 4
    assert env.observation_space.contains(seen)


@pytest.mark.parametrize("name", GOALS)
def test_what_a_goal_environment_observes_does_not_know_the_goal(name):
    layout = GoalLayout(get_task(name), UR5E)
    loop = ArmLoop(UR5E, layout.task, 1)
    loop.reset()
    sensors = {k: np.array(v) for k, v in loop.sensors.items()}
    before = layout.split(loop.interface.observe(sensors))
    for target in TARGETS:
        if target in sensors:
            sensors[target] = sensors[target][:, ::-1] + np.float32(0.1)
    after = layout.split(loop.interface.observe(sensors))
    np.testing.assert_array_equal(before["observation"], after["observation"])
    np.testing.assert_array_equal(before["achieved_goal"], after["achieved_goal"])
    assert not np.array_equal(before["desired_goal"], after["desired_goal"])


def test_a_task_without_goals_says_which_have_them():
    with pytest.raises(ForearmError, match="valid: reach, push, pick_place"):
        ArmGoalEnv("insert")


def test_a_gripper_in_metres_moves_over_its_whole_range():
    """A margin of radians would have taken half a finger's stroke."""
    robot = get_robot("panda").with_gripper()
    interface = Interface(robot, ("joint_pos",), 0.02, CommandLimits(margin=0.02))
    memory = {
        "previous_command": robot.home[None].astype(np.float32),
        "previous_command_vel": np.zeros((1, robot.n), np.float32),
    }
    action = np.zeros((1, robot.n), np.float32)
    action[:, -1] = -1.0
    for _ in range(120):
        command = interface.command(action, memory)
        memory["previous_command_vel"] = (command - memory["previous_command"]) / 0.02
        memory["previous_command"] = command
    assert command[0, -1] == pytest.approx(robot.lower[-1], abs=1e-4)


def test_tasks_describe_themselves():
    for task in TASKS.values():
        assert issubclass(task, Task)
        assert task.summary
        assert "last" in task.success or "rms" in task.success


def test_a_servo_on_a_test_bench_is_no_arm_for_a_task():
    with pytest.raises(LimitError, match="needs an arm: ur5e"):
        TASKS["reach"](get_robot("xl330"), 1)
