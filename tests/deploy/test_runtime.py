import math
from dataclasses import replace

import numpy as np
import pytest

from forearm.core.errors import ForearmError, LimitError
from forearm.core.geometry import Workspace
from forearm.core.kinematics import Kinematics
from forearm.deploy.fence import make_fence
from forearm.deploy.runtime import Runtime
from forearm.deploy.state_machine import State
from forearm.deploy.step import RuntimeOptions
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


def test_a_second_publisher_in_the_graph_is_a_latched_fault(arm):
    arm.run(80)
    arm.runtime.on_publishers(1)
    assert arm.tick().state is State.RUN
    arm.runtime.on_publishers(2)
    step = arm.tick()
    assert step.state is State.FAULT
    assert step.reason == "2 publishers of joint states"


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


def test_within_a_transition_it_brakes_and_calls_nothing_late(arm):
    arm.run(80)
    arm.runtime.stopping = True
    # No message comes in meanwhile.
    steps = [arm.tick(feed=False) for _ in range(30)]
    assert {(s.state, s.reason, s.age) for s in steps} == {(State.RUN, "", math.inf)}
    assert arm.runtime.limiter.at_rest


def test_a_shadow_of_a_moving_arm_comes_to_rest_within_a_transition(bundle, robot):
    arm = Arm(bundle, robot)
    arm.runtime.shadow = True
    arm.feed(velocity=[0.5] * robot.n, stamp=arm.now + arm.stamp_offset + DT)
    arm.tick(feed=False)
    assert not arm.runtime.limiter.at_rest
    arm.runtime.stopping = True
    arm.run(30, feed=False)
    assert arm.runtime.limiter.at_rest


def test_without_authority_the_arm_stays(arm, robot):
    arm.runtime.authority.request(0.0)
    step = arm.run(100)
    assert step.state is State.RUN
    assert step.wish
    assert np.allclose(step.command, robot.home)


def boxed(bundle, robot, **room):
    """Return an arm whose tool may move ``room`` [m] around where it is at home."""
    at = Kinematics(robot)(robot.home).position
    reach = {"x": (2, 2), "y": (2, 2), "z": (2, 2), **room}
    box = Workspace(
        lower=tuple(at[i] - reach[a][0] for i, a in enumerate("xyz")),
        upper=tuple(at[i] + reach[a][1] for i, a in enumerate("xyz")),
    )
    return Arm(bundle, robot, options=RuntimeOptions(workspace=box)), box


def test_a_policy_that_leads_out_of_the_box_is_held_and_goes_on_inside(bundle, robot):
    arm, box = boxed(bundle, robot, y=(0.5, 0.1))
    arm.runtime.on_target((0.9, 0.0, 0.0), (1, 0, 0, 0), arm.now)
    step = arm.run(300)
    assert step.state is State.HOLD
    assert "tool would reach y" in step.reason
    assert max(map(abs, step.velocity)) == 0
    arm.runtime.on_target((-0.3, 0.0, 0.0), (1, 0, 0, 0), arm.now)
    assert arm.run(150).state is State.RUN
    tool = Kinematics(robot)(np.array(arm.sent)).position[:, 1]
    # It had to come near, or the box was not what stopped it.
    assert box.upper[1] - 0.05 < tool.max() <= box.upper[1]
    assert tool[-1] < tool.max() - 0.1


def test_an_arm_that_starts_outside_is_only_let_in(bundle, robot):
    arm, box = boxed(bundle, robot, y=(0.5, -0.1))
    arm.runtime.on_target((0.5, 0.0, 0.0), (1, 0, 0, 0), arm.now)
    step = arm.run(60)
    assert step.state is State.HOLD
    assert np.allclose(step.command, robot.home)
    arm.runtime.on_target((-0.5, 0.0, 0.0), (1, 0, 0, 0), arm.now)
    assert arm.run(200).state is State.RUN
    assert Kinematics(robot)(arm.position).position[1] < box.upper[1]


def test_a_fold_into_itself_is_held_with_the_names_of_the_links(bundle, robot):
    arm = Arm(bundle, robot, options=RuntimeOptions(clearance=0.02))
    arm.runtime.on_target((0.0, 0.0, 1.25), (1, 0, 0, 0), arm.now)
    step = arm.run(300)
    assert step.state is State.HOLD
    assert "mm of" in step.reason
    assert "allowed 20 mm" in step.reason


def test_a_far_fence_changes_no_command(bundle, robot):
    free = Arm(bundle, robot)
    arm = Arm(bundle, robot, options=RuntimeOptions(clearance=0.005))
    free.run(150)
    arm.run(150)
    assert arm.sent == free.sent


def test_a_fence_that_cannot_be_kept_is_refused(bundle):
    bare = replace(
        bundle, contract=bundle.contract.model_copy(update={"geometry": None})
    )
    with pytest.raises(LimitError, match="export the bundle again"):
        make_fence(bare.contract, None, 0.01)
    near, far = (
        Workspace(lower=(x, -1, -1), upper=(x + 0.5, 1, 1)) for x in (0.0, 1.0)
    )
    fenced = bundle.contract.model_copy(update={"workspace": near})
    with pytest.raises(LimitError, match="empty along x"):
        make_fence(fenced, far, None)
    # The contract's own fence holds without a word from the operator.
    assert make_fence(fenced, None, None) is not None
    with pytest.raises(LimitError, match="positive"):
        make_fence(bundle.contract, None, -1.0)
