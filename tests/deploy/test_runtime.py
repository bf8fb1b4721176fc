import math

import numpy as np
import pytest

from forearm.core.errors import ForearmError
from forearm.deploy.runtime import Runtime
from forearm.deploy.state_machine import State
from forearm.deploy.watchdog import JointSample

DT = 0.02


class Arm:
    """A perfect servo that follows the command one period later."""

    def __init__(self, bundle, robot, **change):
        self.runtime = Runtime(bundle, **change)
        self.names = list(robot.joint_names)
        self.position = robot.home.copy()
        self.velocity = np.zeros(robot.n)
        self.now = 100.0
        self.stamp_offset = -40.0
        self.sent = []
        self.feed()
        self.runtime.activate(self.now)
        self.runtime.on_target((0.4, 0.3, 0.2), (1, 0, 0, 0), self.now)

    def feed(self, **change):
        sample = {
            "names": self.names,
            "position": list(self.position),
            "velocity": list(self.velocity),
            "stamp": self.now + self.stamp_offset,
            "received": self.now,
            **change,
        }
        self.runtime.on_joint_state(JointSample(**sample))

    def tick(self, feed=True, **change):
        self.now += DT
        if feed:
            self.feed(**change)
        step = self.runtime.step(self.now)
        self.velocity = np.array(step.velocity)
        self.position = np.array(step.command)
        self.sent.append(list(step.command))
        return step

    def run(self, ticks, **change):
        for _ in range(ticks):
            step = self.tick(**change)
        return step


@pytest.fixture
def arm(bundle, robot):
    return Arm(bundle, robot)


def test_the_first_command_is_the_measured_pose_and_motion_starts_smoothly(arm, robot):
    step = arm.run(3)
    assert np.abs(np.array(step.command) - robot.home).max() < 2e-3
    assert arm.run(80).state is State.RUN
    assert np.abs(arm.position - robot.home).max() > 0.1


def test_a_clean_run_is_never_touched_by_the_limiter(arm):
    arm.run(300)
    assert arm.runtime.hits == 0


def test_a_rehearsed_step_changes_nothing(bundle, robot):
    plain, rehearsed = Arm(bundle, robot), Arm(bundle, robot)
    for _ in range(120):
        rehearsed.runtime.rehearse(rehearsed.now)
        assert rehearsed.tick().command == plain.tick().command


def test_permuted_and_extra_joints_are_mapped_by_name(arm):
    plain = arm.run(50).command
    order = [3, 1, 0, 5, 4, 2]
    step = arm.tick(
        names=["gripper", *(arm.names[i] for i in order)],
        position=[9.9, *(arm.position[i] for i in order)],
        velocity=[9.9, *(arm.velocity[i] for i in order)],
    )
    assert step.state.moves
    assert np.abs(np.array(step.command) - plain).max() < 0.05


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": ["a"] * 6}, "lack"),
        ({"position": [math.nan] * 6}, "NaN"),
        ({"velocity": [math.inf] * 6}, "NaN"),
        ({"position": [0.0] * 5}, "5 positions for 6"),
        ({"velocity": [0.0] * 2}, "2 velocities for 6"),
    ],
)
def test_a_message_that_is_wrong_holds_the_arm_and_says_why(arm, change, words):
    arm.run(80)
    step = arm.tick(**change)
    assert step.state is State.HOLD
    assert words in step.reason
    step = arm.run(60, **change)
    assert max(map(abs, step.velocity)) == 0
    assert arm.run(30).state.moves


def test_a_joint_named_twice_is_refused(arm):
    arm.run(40)
    names = [*arm.names, arm.names[0]]
    step = arm.tick(names=names, position=[0.0] * 7, velocity=[0.0] * 7)
    assert "twice" in step.reason


def test_silence_holds_within_the_freshness_budget_and_recovers(arm):
    arm.run(80)
    ticks = 0
    while arm.tick(feed=False).state.moves:
        ticks += 1
    assert ticks * DT <= arm.runtime.max_age + DT
    step = arm.run(60, feed=False)
    assert max(map(abs, step.velocity)) == 0
    assert arm.run(40).state.moves


def test_a_repeated_stamp_is_not_fresh(arm):
    arm.run(80)
    stamp = arm.now + arm.stamp_offset
    assert arm.run(10, stamp=stamp).state is State.HOLD


def test_growing_delay_in_the_stamps_is_seen_without_synchronized_clocks(arm):
    arm.run(80)
    arm.stamp_offset -= 0.15
    arm.run(12)
    assert arm.tick().state is State.HOLD
    assert "old" in arm.tick().reason


@pytest.mark.parametrize("jump", [5.0, -5.0, 3600.0])
def test_a_clock_jump_holds_and_then_recovers(arm, jump):
    arm.run(80)
    arm.stamp_offset += jump
    step = arm.tick()
    assert step.state is State.HOLD
    assert "jumped" in step.reason
    assert arm.run(60).state.moves


def test_two_publishers_are_a_latched_fault(arm):
    arm.run(80)
    arm.tick(publisher=b"a")
    arm.tick(publisher=b"b")
    assert arm.tick(publisher=b"a").state is State.FAULT
    assert arm.run(100, publisher=b"a").state is State.FAULT


def test_a_blocked_arm_is_a_latched_fault(arm):
    arm.run(60)
    arm.runtime.on_target((2.0, 2.0, 2.0), (1, 0, 0, 0), arm.now)
    held = list(arm.position)
    step = arm.run(100, position=held, velocity=[0.0] * 6)
    assert step.state is State.FAULT
    assert "away from its command" in step.reason


def test_an_estop_stays_until_the_next_activation(arm):
    arm.run(80)
    arm.runtime.estop("button")
    step = arm.run(50)
    assert step.state is State.ESTOP
    assert max(map(abs, step.velocity)) == 0
    arm.runtime.activate(arm.now)
    assert arm.run(5).state is State.RAMP_IN


def test_activation_without_joint_states_is_refused(bundle):
    with pytest.raises(ForearmError, match="never received"):
        Runtime(bundle).activate(5.0)


def test_a_target_with_nan_or_without_a_rotation_is_refused(arm):
    assert not arm.runtime.on_target((math.nan, 0, 0), (1, 0, 0, 0), arm.now)
    assert not arm.runtime.on_target((0, 0, 0), (0, 0, 0, 0), arm.now)


def test_too_many_missed_periods_hold(arm):
    arm.run(80)
    arm.now += DT
    arm.feed()
    assert arm.runtime.step(arm.now, missed=6).state is State.HOLD


def test_without_authority_the_arm_stays(arm, robot):
    arm.runtime.authority = 0.0
    step = arm.run(100)
    assert step.state is State.RUN
    assert step.wish
    assert np.allclose(step.command, robot.home)
