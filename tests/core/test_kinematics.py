"""Kinematics: closed form, finite differences, round trips, numpy against torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forearm.core.kinematics import (
    Kinematics,
    joint_gradient,
    quat_wxyz_from_rotation,
    rotation_angle,
    rotation_error,
    rotation_from_quat_wxyz,
    rotation_from_rpy,
)
from forearm.core.robots import ROBOTS, get_robot

robots = pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
angles = st.floats(-3.1, 3.1)


def random_rotations(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    quat_wxyz = rng.normal(size=(count, 4))
    quat_wxyz /= np.linalg.norm(quat_wxyz, axis=-1, keepdims=True)
    return np.asarray(rotation_from_quat_wxyz(quat_wxyz))


def test_ur5e_agrees_with_the_makers_dh_parameters() -> None:
    """The independent chain: Universal Robots' DH table, base turned by pi."""
    d = (0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996)
    a = (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0)
    alpha = (np.pi / 2, 0.0, 0.0, np.pi / 2, -np.pi / 2, 0.0)
    forward = Kinematics(get_robot("ur5e"))
    for q in np.random.default_rng(0).uniform(-3, 3, (50, 6)):
        frame = np.diag([-1.0, -1.0, 1.0, 1.0])
        for i in range(6):
            c, s = np.cos(q[i]), np.sin(q[i])
            ca, sa = np.cos(alpha[i]), np.sin(alpha[i])
            frame = frame @ [
                [c, -s * ca, s * sa, a[i] * c],
                [s, c * ca, -c * sa, a[i] * s],
                [0, sa, ca, d[i]],
                [0, 0, 0, 1],
            ]
        pose = forward(q)
        np.testing.assert_allclose(pose.position, frame[:3, 3], atol=1e-12)
        np.testing.assert_allclose(pose.rotation, frame[:3, :3], atol=1e-12)


@robots
def test_joint_gradient_agrees_with_finite_differences(robot) -> None:
    forward, rng, step = Kinematics(robot), np.random.default_rng(1), 1e-6
    for q in rng.uniform(robot.lower, robot.upper, (20, robot.n)):
        pose = forward(q)
        linear, angular = rng.normal(size=(2, 3))
        got = joint_gradient(pose, linear, angular)
        for i in range(robot.n):
            ahead, behind = (
                forward(q + step * np.eye(robot.n)[i]),
                forward(q - step * np.eye(robot.n)[i]),
            )
            velocity = (ahead.position - behind.position) / (2 * step)
            spin = (ahead.rotation - behind.rotation) / (2 * step) @ pose.rotation.T
            omega = np.array([spin[2, 1], spin[0, 2], spin[1, 0]])
            assert got[0][i] == pytest.approx(velocity @ linear, abs=1e-7)
            assert got[1][i] == pytest.approx(omega @ angular, abs=1e-7)


@robots
def test_torch_and_numpy_compute_the_same_pose(robot) -> None:
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    q = np.random.default_rng(2).uniform(robot.lower, robot.upper, (40, robot.n))
    ours, theirs = Kinematics(robot)(q), Kinematics(robot)(torch.from_numpy(q))
    for name in ("position", "rotation", "joint_position", "joint_axis"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name).numpy(), atol=1e-12
        )


@robots
def test_a_batch_is_the_same_as_one_by_one(robot) -> None:
    q = np.random.default_rng(3).uniform(robot.lower, robot.upper, (4, 5, robot.n))
    whole = Kinematics(robot)(q)
    assert whole.joint_axis.shape == (4, 5, robot.n, 3)
    single = Kinematics(robot)(q[2, 3])
    np.testing.assert_allclose(whole.position[2, 3], single.position, atol=1e-14)


def test_quaternions_survive_a_round_trip_through_matrices() -> None:
    rotations = random_rotations(np.random.default_rng(4), 500)
    half_turns = [np.diag(d) for d in ([1.0, -1, -1], [-1, 1.0, -1], [-1, -1, 1.0])]
    every = np.concatenate([rotations, half_turns])
    again = rotation_from_quat_wxyz(quat_wxyz_from_rotation(every))
    np.testing.assert_allclose(again, every, atol=1e-12)


@given(angles, st.floats(-1.5, 1.5), angles)
def test_roll_pitch_yaw_survives_a_round_trip(r: float, p: float, y: float) -> None:
    m = rotation_from_rpy((r, p, y))
    back = (
        np.arctan2(m[2, 1], m[2, 2]),
        np.arcsin(np.clip(-m[2, 0], -1, 1)),
        np.arctan2(m[1, 0], m[0, 0]),
    )
    np.testing.assert_allclose(rotation_from_rpy(back), m, atol=1e-9)
    np.testing.assert_allclose(m @ m.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(m) == pytest.approx(1.0)


@settings(deadline=None)
@given(st.floats(1e-4, 3.07), st.integers(0, 2**32 - 1))
def test_rotation_error_is_the_axis_times_twice_the_sine_of_half_the_angle(
    angle: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    quat_wxyz = np.array([np.cos(angle / 2), *(np.sin(angle / 2) * axis)])
    start = random_rotations(rng, 1)[0]
    target = rotation_from_quat_wxyz(quat_wxyz) @ start
    expected = 2 * np.sin(angle / 2) * axis
    np.testing.assert_allclose(rotation_error(start, target), expected, atol=1e-6)
    assert rotation_angle(start, target) == pytest.approx(angle, abs=1e-6)


def test_rotation_error_stays_finite_at_half_a_turn() -> None:
    error = rotation_error(np.eye(3), np.diag([1.0, -1.0, -1.0]))
    assert np.isfinite(error).all()
