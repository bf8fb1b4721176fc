"""The effort guard's reference: where it begins, how it moves, when it lets go."""

import math

import pytest

from forearm.deploy.effort import PERIOD, EffortJoint
from forearm.deploy.effort_guard import STATE_TIMEOUT, EffortGuard

DT, TIMEOUT = 0.02, 0.1
JOINT = EffortJoint(
    lower=-1.0, upper=1.5, velocity=2.0, acceleration=10.0, effort=30.0, kp=200, kv=10
)


def no_weight(position):
    return [0.0] * len(position)


def test_a_reference_that_begins_anew_at_a_limit_stands_there():
    guard, now = EffortGuard([JOINT], TIMEOUT, DT, no_weight), 0.0
    guard.measured([0.0], [0.8], now)
    assert guard.command([0.0, 0.8], now)
    while not guard.relay.stopping:
        now += 0.01
        guard.measured([2.0], [0.8], now)
    assert guard.velocity[0] > 0.5
    assert guard.command([0.0, 0.0], now)
    assert guard.position == [JOINT.upper]
    assert guard.velocity == [0.0]


def moving(position, velocity):
    """A guard whose reference has just begun at a pose and a velocity."""
    guard = EffortGuard([JOINT], TIMEOUT, DT, no_weight)
    guard.measured([position], [velocity], 0.0)
    assert guard.command([position, velocity], 0.0)
    return guard


def test_a_reference_begins_no_faster_than_it_may_and_can_brake():
    assert moving(0.0, 9.0).velocity == [JOINT.velocity]
    room = 0.1
    fastest = math.sqrt(2 * JOINT.acceleration * room)
    assert moving(JOINT.upper - room, 2.0).velocity == [pytest.approx(fastest)]
    assert moving(JOINT.lower + room, -2.0).velocity == [pytest.approx(-fastest)]


def test_a_reference_that_runs_into_a_limit_ends_on_it():
    guard, now = moving(JOINT.upper - 0.3, 2.0), 0.0
    for _ in range(40):  # states as late as they may be, a command with each
        now += 0.99 * STATE_TIMEOUT
        guard.measured([JOINT.upper - 0.3], [2.0], now)
        guard.command([JOINT.upper + 1.0, 2.0], now)
        assert guard.position[0] <= JOINT.upper
    assert guard.position == [JOINT.upper]


def test_a_reference_closes_in_on_a_far_command_without_overshoot():
    guard, far, seen = moving(0.0, 0.0), 0.4, []
    for k in range(1, 1500):
        guard.measured([0.0], [0.0], k * PERIOD)
        guard.command([far, 0.0], k * PERIOD)
        seen += guard.position
    assert max(seen) < far + 1e-4
    assert seen[-1] == pytest.approx(far, abs=1e-3)


def test_after_a_gap_the_reference_is_where_the_arm_is():
    guard = moving(0.0, 0.0)
    guard.measured([0.3], [0.0], 1.1 * STATE_TIMEOUT)
    assert guard.position == [0.3]


def test_an_arm_that_is_given_up_takes_no_command():
    guard = moving(0.0, 0.0)
    guard.let_go()
    assert not guard.command([0.1, 0.0], PERIOD)
