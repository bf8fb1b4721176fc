"""What core computes for one simulation, recorded once and played for all of them."""

import numpy as np
import pytest

from forearm.core.interface import Interface
from forearm.core.kinematics import Kinematics
from forearm.core.observation import TERMS
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.kernels import compiled
from forearm.sim.player import BLOCK, COPY, SIN, play, turn
from forearm.sim.program import Program, command_program, observe_program
from forearm.sim.tape import Tape
from forearm.sim.tasks import TASKS, get_task

MANY = BLOCK + 37
"""Simulations in these tests: more than pass through a tape together."""


def sensed(interface, count=MANY, seed=0):
    """Sensors as they may come, the tool not turned round: there errors are cut off."""
    rng = np.random.default_rng(seed)
    robot = interface.robot
    sensors = {
        name: rng.uniform(-1.0, 1.0, (count, size)).astype(np.float32)
        for name, size in interface.sensors.items()
    }
    for name in ("joint_pos", "previous_command"):
        between = rng.uniform(robot.lower, robot.upper, (count, robot.n))
        sensors[name] = between.astype(np.float32)
    for name in sensors:
        if name.endswith("wxyz"):
            sensors[name] /= np.linalg.norm(sensors[name], axis=1, keepdims=True)
    return sensors


def idle(interface, count=MANY):
    """What else an observing program reads: an arm that is where it is sensed."""
    zeros = np.zeros((count, interface.robot.n), np.float32)
    true_pos = sensed(interface, count)["joint_pos"]
    return {"true_pos": true_pos, "action": zeros, "previous_action": zeros}


def every_term(name):
    robot = get_robot(name)
    return Interface(robot.with_gripper() if robot.gripper else robot, (*TERMS,), 0.02)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_observation_and_the_pose_are_those_of_core(name):
    interface = every_term(name)
    sensors = sensed(interface)
    given = {**sensors, **idle(interface)}
    given["true_pos"] = true_pos = sensors["joint_pos"][::-1]
    seen = observe_program(interface, get_task("push").score, MANY)(given)
    exact = {key: value.astype(np.float64) for key, value in sensors.items()}
    expected = interface.observe(exact)
    # float32 leaves 4e-5 of a rotation error close to half a turn.
    np.testing.assert_allclose(seen.pop("observation"), expected, atol=1e-4)
    pose = Kinematics(interface.robot)(true_pos.astype(np.float64))
    np.testing.assert_allclose(seen["position"], pose.position, atol=3e-6)
    np.testing.assert_allclose(seen["rotation"], pose.rotation, atol=3e-6)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_command_is_that_of_core_to_the_last_bit(name):
    interface = every_term(name)
    sensors = sensed(interface)
    action = np.random.default_rng(1).uniform(-1.5, 1.5, (MANY, interface.action_size))
    action = action.astype(np.float32)
    action[3] = np.nan
    played = command_program(interface, MANY)({**sensors, "action": action})
    expected = interface.command(action, sensors)
    assert np.isnan(expected[3]).all()
    np.testing.assert_array_equal(played["command"], expected)


@pytest.mark.parametrize("name", TASKS)
def test_the_score_of_a_task_is_that_of_its_function(name):
    task = get_task(name)
    interface = task.interface(get_robot("ur5e"))
    given = {**sensed(interface), **idle(interface)}
    given["action"] = given["action"] + np.float32(0.5)
    played = observe_program(interface, task.score, MANY)(given)
    pose = vars(Kinematics(interface.robot)(given["true_pos"].astype(np.float64)))
    expected = task.score({**given, **pose})
    assert bool(expected) == (name == "reach")
    for key, value in expected.items():
        # An angle close to half a turn has half of float32's digits.
        atol = 1e-3 if key == "angle" else 3e-6
        np.testing.assert_allclose(played[key], value, atol=atol)


@pytest.mark.parametrize("task", TASKS)
def test_a_simulation_neither_knows_how_many_there_are_nor_its_place(task):
    interface = get_task(task).interface(get_robot("ur5e"))
    sensors = sensed(interface)
    sensors |= idle(interface)
    sensors["true_pos"] = sensors["joint_pos"] + np.float32(0.1)
    see = observe_program(interface, get_task(task).score, MANY)
    together = see(sensors)
    for i in (0, 7, BLOCK, MANY - 1):
        alone = see({name: value[i : i + 1] for name, value in sensors.items()})
        for name, value in alone.items():
            np.testing.assert_array_equal(value[0], together[name][i])


def test_results_are_new_arrays_that_the_next_call_leaves_alone():
    double = Program(lambda given: {"y": 2.0 * given["x"]}, {"x": (2,)}, 1)
    first = double({"x": np.ones((1, 2))})["y"]
    double({"x": np.zeros((1, 2))})
    np.testing.assert_array_equal(first, [[2.0, 2.0]])


@pytest.mark.parametrize("operation", range(COPY + 1))
def test_machine_code_does_what_the_same_lines_do_in_python(operation):
    rows = np.random.default_rng(operation).uniform(-1, 1, (3, MANY))
    rows = rows.astype(np.float32)
    rows[0, :2], rows[1, 1:3] = np.nan, np.nan
    code, expected = np.array([[operation, 0, 1, 2]], np.int32), rows.copy()
    with np.errstate(invalid="ignore"):
        play(code, expected, MANY - 1)
    compiled(play)(code, rows, MANY - 1)
    # Two libraries round sines and the like; what IEEE 754 defines is the same.
    inexact = SIN <= operation < COPY
    np.testing.assert_allclose(rows, expected, rtol=0, atol=3e-7 * inexact)


def test_sines_and_cosines_are_those_of_numpy_to_float32_and_pass_what_is_none():
    angle = np.linspace(-40.0, 40.0, 4001).astype(np.float32)
    angle[7] = np.nan
    rows = np.zeros((3, len(angle)), np.float32)
    rows[0] = angle
    python, code = rows.copy(), np.array([[0, 1, 2]], np.int32)
    compiled(turn)(code, rows, len(angle))
    exact = angle.astype(np.float64)
    np.testing.assert_allclose(rows[1], np.sin(exact), rtol=0, atol=1.2e-7)
    np.testing.assert_allclose(rows[2], np.cos(exact), rtol=0, atol=1.2e-7)
    turn(code, python, 5)
    np.testing.assert_array_equal(python[:, :5], rows[:, :5])


def test_constants_are_computed_once_and_zeros_and_ones_not_at_all():
    tape = Tape()
    x = tape.input((2,))
    rows = tape.asarray([[1.0, 0.0], [0.0, 1e-17]]) @ x
    assert rows.places[0] == x.places[0]
    assert tape.constants[int(rows.places[1])] == 0.0
    assert len(tape.steps) == 4  # Two inputs, one and zero.
    three = tape.maximum(3.0, tape.sqrt(tape.asarray(4.0)))
    assert tape.constants[int(three.places)] == 3.0
    same = (2.0 * x + 1.0, 1.0 + x * 2.0)
    np.testing.assert_array_equal(*(value.places for value in same))
