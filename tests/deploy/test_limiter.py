import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.contract import JointLimits
from forearm.core.errors import LimitError
from forearm.core.interface import Interface
from forearm.core.robots import get_robot
from forearm.deploy.joint_limiter import JointLimiter
from forearm.deploy.limiter import Limiter

wishes = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.floats(-8, 8),
        st.sampled_from([-8.0, 8.0, 0.0, math.nan]),
        # Wishes that one period can just reach, or just not: a share of the
        # acceleration limit from where the arm coasts to.
        st.tuples(st.floats(-1.5, 1.5)),
    ),
    max_size=150,
)
limits = st.builds(
    lambda lower, span, v, a, j: JointLimits(
        lower=lower, upper=lower + span, velocity=v, acceleration=a, jerk=j, effort=1
    ),
    st.floats(-6, 0),
    st.floats(0.05, 12),
    st.floats(0.1, 10),
    st.floats(0.5, 40),
    st.floats(20, 10000),
)


def assert_within(sent, limit, dt):
    sent = np.array(sent)
    assert np.isfinite(sent).all()
    assert (sent >= limit.lower).all()
    assert (sent <= limit.upper).all()
    rest = np.concatenate([[sent[0]] * 3, sent])  # it starts at rest
    for order, bound in ((1, limit.velocity), (2, limit.acceleration), (3, limit.jerk)):
        worst = np.abs(np.diff(rest, order)).max() / dt**order
        assert worst <= bound * (1 + 1e-6) + 1e-14 / dt**order, (order, worst, bound)


@given(wishes, limits, st.floats(0, 1), st.sampled_from([0.002, 0.01, 0.02, 0.05]))
@settings(max_examples=300, deadline=None)
def test_no_sequence_of_wishes_leaves_the_limits(sequence, limit, start, dt):
    limiter = Limiter([limit], dt)
    first = limit.lower + 1e-6 + start * (limit.upper - limit.lower - 2e-6)
    limiter.reset([first])
    sent = [first]
    for wish in sequence:
        if isinstance(wish, tuple):
            coast = limiter.position[0] + limiter.velocity[0] * dt
            wish = coast + wish[0] * limit.acceleration * dt * dt
        limiter.step([wish])
        sent.append(limiter.position[0])
    assert_within(sent, limit, dt)
    for _ in range(20000):
        if limiter.at_rest:
            break
        limiter.step(None)
        sent.append(limiter.position[0])
    assert limiter.at_rest
    assert_within(sent, limit, dt)


def ur5e_limits():
    return [
        JointLimits(
            lower=j.lower,
            upper=j.upper,
            velocity=j.velocity,
            acceleration=j.acceleration,
            jerk=j.jerk,
            effort=j.effort,
        )
        for j in get_robot("ur5e").joints
    ]


def test_the_limiter_does_not_touch_what_the_policy_law_commands():
    robot, dt = get_robot("ur5e"), 0.02
    interface = Interface(robot, ("joint_pos",), dt)
    rng = np.random.default_rng(0)
    limiter = Limiter(ur5e_limits(), dt)
    limiter.reset(list(robot.home))
    for k in range(3000):
        sensors = {
            "previous_command": np.float32(limiter.position),
            "previous_command_vel": np.float32(limiter.velocity),
        }
        if k % 7 == 0:  # bang-bang, and long pushes into the position limits
            bias = 1 if (k // 500) % 2 else -1
            action = np.float32(rng.choice([-1, bias, 1], robot.n))
        wish = interface.command(action, sensors)
        assert limiter.step([float(w) for w in wish]), k
        assert np.allclose(limiter.position, wish, atol=1e-6)


def test_a_far_wish_is_reached_without_overshoot():
    limiter = Limiter(ur5e_limits()[:1], 0.02)
    limiter.reset([0.0])
    sent = []
    for _ in range(150):
        limiter.step([1.0])
        sent.append(limiter.position[0])
    assert abs(sent[-1] - 1.0) < 1e-3
    assert max(sent) < 1.0 + 1e-2


@pytest.mark.parametrize("dt", [0.002, 0.02])
@pytest.mark.parametrize(
    ("velocity", "acceleration", "jerk"),
    [(2.1, 10.0, 200.0), (3.0, 4.0, 2000.0), (1.0, 40.0, 100.0)],
)
def test_a_wish_that_never_slows_down_is_braked_short_of_the_limit(
    velocity, acceleration, jerk, dt
):
    numbers = {"velocity": velocity, "acceleration": acceleration, "jerk": jerk}
    limit = JointLimits(lower=-3.0, upper=3.0, effort=1.0, **numbers)
    limiter, sent = Limiter([limit], dt), [0.0]
    limiter.reset([0.0])
    for _ in range(round(6.0 / dt)):
        # As fast as jerk, acceleration and velocity allow: each wish could be met.
        (joint,) = limiter._joints
        a = 0.999 * min(joint.a + jerk * dt, acceleration)
        v = min(joint.v + a * dt, 0.999 * velocity)
        limiter.step([joint.p + v * dt])
        sent.append(joint.p)
        way = [sent[-1], *(p for p, _ in joint.stop_path())]
        assert np.abs(np.diff(way)).sum() <= joint.travel() + 1e-12
    assert_within(sent, limit, dt)
    assert np.diff(sent).max() > 0.95 * velocity * dt
    # What is left is less than the way of one period.
    assert sent[-1] > limit.upper - velocity * dt


def test_the_stop_plan_ends_at_rest_inside_the_limits():
    limiter = Limiter(ur5e_limits(), 0.02)
    limiter.reset([3.0] * 2 + [1.0] + [3.0] * 3)
    for _ in range(60):
        limiter.step([10.0] * 6)
        plan = limiter.stop_plan()
        assert plan[-1].velocity == [0.0] * 6
        for joint, position in zip(ur5e_limits(), plan[-1].position, strict=True):
            assert joint.lower <= position <= joint.upper


def test_a_gripper_at_its_stop_starts_there_and_an_arm_beyond_its_limit_does_not():
    finger = JointLimits(
        lower=0.0, upper=0.04, velocity=0.2, acceleration=2.0, jerk=50.0, effort=140.0
    )
    joint = JointLimiter(finger, 0.02)
    joint.reset(0.0403)
    assert joint.p == joint.upper
    with pytest.raises(LimitError, match="outside"):
        joint.reset(0.0405)
    with pytest.raises(LimitError, match="outside"):
        joint.reset(math.nan)
    link = JointLimiter(ur5e_limits()[0], 0.02)
    link.reset(ur5e_limits()[0].upper + 0.9e-3)
    with pytest.raises(LimitError, match="outside"):
        link.reset(ur5e_limits()[0].upper + 1.1e-3)
