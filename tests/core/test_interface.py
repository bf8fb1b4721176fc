"""Interface: the command keeps its limits for any action; numpy equals torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.interface import CommandLimits, Interface, zeros
from forearm.core.observation import SENSORS, TERMS
from forearm.core.robots import ROBOTS, get_robot

robots = pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
EVERY_TERM = tuple(TERMS)


def drive(robot, dtype, dt: float, seed: int, steps: int = 200):
    """Command a random, mostly saturated walk; yields command, velocity per step."""
    interface, rng = Interface(robot, ("joint_pos",), dt), np.random.default_rng(seed)
    margin = interface.limits.margin
    low, high = robot.lower + margin, robot.upper - margin
    previous = rng.uniform(low, high).astype(dtype)
    velocity, action = np.zeros(robot.n, dtype), np.zeros(robot.n, dtype)
    for step in range(steps):
        if step % 20 == 0:
            action = rng.choice([-7.0, -1.0, -0.3, 0.3, 1.0, 7.0], robot.n)
        sensors = {"previous_command": previous, "previous_command_vel": velocity}
        command = interface.command(action.astype(dtype), sensors)
        new_velocity = (command - previous) / dtype(dt)
        yield previous, command, velocity, new_velocity
        previous, velocity = command, new_velocity


def random_sensors(interface: Interface, seed: int) -> dict[str, np.ndarray]:
    """Return 64 rows of every sensor, quaternions of unit length."""
    rng = np.random.default_rng(seed)
    sensors = {
        name: rng.uniform(-1, 1, (64, size)) for name, size in interface.sensors.items()
    }
    quat = sensors["target_quat_wxyz"]
    sensors["target_quat_wxyz"] = quat / np.linalg.norm(quat, axis=-1, keepdims=True)
    return sensors


@robots
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dt=st.sampled_from([0.005, 0.02, 0.05]))
def test_the_command_never_exceeds_velocity_or_acceleration_limits(
    robot, seed: int, dt: float
) -> None:
    limit = CommandLimits()
    top = robot.vector("velocity") * limit.velocity
    acc = robot.vector("acceleration") * limit.acceleration
    for _, _, before, after in drive(robot, np.float64, dt, seed):
        assert (np.abs(after) <= top + 1e-9).all()
        assert (np.abs(after - before) <= acc * dt + 1e-9).all()


@robots
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), toward=st.sampled_from([-1.0, 1.0]))
def test_the_command_brakes_before_the_position_limit(
    robot, seed: int, toward: float
) -> None:
    """Full thrust into the limit: no overshoot and no braking beyond the limit."""
    dt, limit = 0.02, CommandLimits()
    interface = Interface(robot, ("joint_pos",), dt)
    low, high = robot.lower + limit.margin, robot.upper - limit.margin
    acc = robot.vector("acceleration") * limit.acceleration
    previous = np.random.default_rng(seed).uniform(low, high)
    velocity = np.zeros(robot.n)
    for _ in range(1000):
        sensors = {"previous_command": previous, "previous_command_vel": velocity}
        command = interface.command(np.full(robot.n, toward), sensors)
        after = (command - previous) / dt
        assert (command >= low - 1e-12).all()
        assert (command <= high + 1e-12).all()
        assert (np.abs(after - velocity) <= acc * dt + 1e-6).all()
        previous, velocity = command, after
    wall = high if toward > 0 else low
    np.testing.assert_allclose(previous, wall, atol=2e-3)


@robots
def test_single_precision_keeps_the_limits_within_its_rounding(robot) -> None:
    limit = CommandLimits()
    top = robot.vector("velocity") * limit.velocity
    for _, command, _, after in drive(robot, np.float32, 0.02, seed=5, steps=2000):
        assert command.dtype == np.float32
        assert (np.abs(after) <= top + 1e-3).all()
        assert (command >= robot.lower).all()
        assert (command <= robot.upper).all()


@robots
def test_numpy_and_torch_observe_and_command_the_same(robot) -> None:
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    interface, rng = Interface(robot, EVERY_TERM, 0.02), np.random.default_rng(6)
    sensors = random_sensors(interface, seed=6)
    action = rng.uniform(-2, 2, (64, robot.n))
    tensors = {name: torch.from_numpy(value) for name, value in sensors.items()}
    observed = interface.observe(sensors)
    assert observed.shape == (64, interface.observation_size)
    np.testing.assert_allclose(observed, interface.observe(tensors), atol=1e-10)
    np.testing.assert_allclose(
        interface.command(action, sensors),
        interface.command(torch.from_numpy(action), tensors),
        atol=1e-12,
    )


@robots
@pytest.mark.parametrize("term", EVERY_TERM)
def test_a_term_reads_exactly_the_sensors_it_names(robot, term: str) -> None:
    interface = Interface(robot, (term,), 0.02)
    buffers = zeros({"joint_pos": robot.n, **interface.sensors}, 2)
    buffers["target_quat_wxyz"] = np.tile(np.float32([1, 0, 0, 0]), (2, 1))
    needed = {"joint_pos", *TERMS[term].needs}
    only = {name: value for name, value in buffers.items() if name in needed}
    assert interface.observe(only).shape == (2, interface.observation_size)
    assert set(interface.sensors) >= needed
    assert set(interface.sensors) <= set(SENSORS)


def test_only_a_tool_on_the_last_axis_makes_an_element_constant() -> None:
    """The flange frame lies on the last joint's axis: turning it moves no point."""
    robot = get_robot("ur5e")
    sensors = random_sensors(Interface(robot, EVERY_TERM, 0.02), seed=7)
    for term in EVERY_TERM:
        spread = np.ptp(Interface(robot, (term,), 0.02).observe(sensors), axis=0)
        levers = ("position_gradient", "object_gradient")
        constant = [5] if term in levers else []
        assert np.flatnonzero(spread < 1e-9).tolist() == constant, term


def test_an_unknown_term_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match="position_error"):
        Interface(get_robot("ur5e"), ("joint_torque",), 0.02)


@pytest.mark.parametrize("dt", [0.0, -0.02, float("nan")])
def test_a_control_period_that_is_not_positive_is_refused(dt: float) -> None:
    with pytest.raises(LimitError, match="control period"):
        Interface(get_robot("ur5e"), ("joint_pos",), dt)


@pytest.mark.parametrize(
    "bad", [{"velocity": 0.0}, {"velocity": 1.1}, {"acceleration": -1}, {"margin": -1}]
)
def test_command_limits_outside_their_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(LimitError):
        CommandLimits(**bad)
