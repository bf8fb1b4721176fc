import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.bundle import Bundle
from forearm.core.contract import Latency, Reactions
from forearm.core.errors import MismatchError
from forearm.deploy.faults import Fault
from forearm.deploy.judge import violations
from forearm.deploy.latency_watch import LatencyWatch
from forearm.deploy.runtime import Runtime
from forearm.deploy.state_machine import State
from forearm.deploy.watchdog import JointSample

TOLERATED, DT = 0.03, 0.02


class Arm:
    """A perfect servo whose states are as old as they are said to be."""

    def __init__(self, bundle, robot):
        self.runtime = Runtime(bundle)
        self.names, self.n = list(robot.joint_names), robot.n
        self.position, self.velocity = list(robot.home), [0.0] * robot.n
        self.now, self.sent = 100.0, []
        self.feed(0.0)
        self.runtime.activate(self.now)
        self.runtime.on_target((0.4, 0.3, 0.2), (1, 0, 0, 0), self.now)

    def feed(self, late):
        """Give a state that was measured ``late`` [s] ago."""
        self.runtime.on_joint_state(
            JointSample(
                self.names,
                self.position,
                self.velocity,
                self.now - 40.0 - late,
                self.now,
            )
        )

    def run(self, ticks, late=0.0):
        for _ in range(ticks):
            self.now += DT
            self.feed(late)
            step = self.runtime.step(self.now)
            self.position, self.velocity = list(step.command), list(step.velocity)
            self.sent.append(self.position)
        return step


def late_bundle(bundle, reaction="decelerate"):
    change = {
        "latency": Latency(tolerated=TOLERATED),
        "reactions": Reactions(latency=reaction),
    }
    return Bundle(bundle.path, bundle.contract.model_copy(update=change))


delays = st.lists(st.floats(0.0, 0.2), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(sequence=delays)
def test_only_a_mean_beyond_the_tolerated_delay_is_a_fault(bundle, sequence):
    watch, last = LatencyWatch(late_bundle(bundle).contract), [0.0] * 5
    for delay in sequence:
        last = [*last[1:], delay]
        found = watch.check(delay)
        mean = sum(last) / 5
        if abs(mean - TOLERATED) > 1e-12:  # the order of summing decides on the edge
            assert (found is not None) == (mean > TOLERATED)
        assert found is None or found.fault is Fault.LATENCY


@given(sequence=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_without_a_tolerated_delay_nothing_is_too_late(bundle, sequence):
    watch = LatencyWatch(bundle.contract)
    assert all(watch.check(delay) is None for delay in sequence)


def test_what_is_no_number_is_left_to_the_freshness_budget(bundle):
    watch = LatencyWatch(late_bundle(bundle).contract)
    assert watch.check(math.inf) is watch.check(math.nan) is None
    assert [watch.check(1.0) is None, watch.check(math.inf) is None] == [False, False]


@settings(max_examples=20, deadline=None)
@given(late=st.floats(0.031, 0.09))
def test_a_delay_beyond_the_tolerated_one_stops_the_arm_within_limits(
    bundle, robot, late
):
    arm = Arm(late_bundle(bundle), robot)
    arm.run(80)
    step = arm.run(6, late)
    assert step.state is State.HOLD
    assert "late on average" in step.reason
    step = arm.run(40, late)
    assert max(map(abs, step.velocity)) == 0
    sent = [(0.0, k, c) for k, c in enumerate(arm.sent)]
    assert violations(sent, arm.runtime.contract) == []
    assert arm.run(40).state.moves


def test_a_delay_within_the_tolerated_one_changes_nothing(bundle, robot):
    arm = Arm(late_bundle(bundle), robot)
    arm.run(80)
    assert arm.run(50, 0.029).state is State.RUN


def test_the_reaction_is_the_contracts(bundle, robot):
    arm = Arm(late_bundle(bundle, "stop"), robot)
    arm.run(80)
    assert arm.run(6, 0.06).state is State.FAULT
    assert arm.run(60).state is State.FAULT


def test_the_time_a_command_takes_to_leave_counts_as_delay(bundle, robot):
    arm = Arm(late_bundle(bundle), robot)
    arm.run(80)
    arm.runtime.latency.spent = 0.02
    assert arm.run(6, 0.02).state is State.HOLD


@pytest.mark.parametrize("reaction", ["hold", "stop"])
def test_a_contract_says_what_a_missed_deadline_does(bundle, robot, reaction):
    reactions = Reactions(missed_deadlines=reaction)
    contract = bundle.contract.model_copy(update={"reactions": reactions})
    arm = Arm(Bundle(bundle.path, contract), robot)
    arm.run(80)
    arm.now += DT
    arm.feed(0.0)
    state = arm.runtime.step(arm.now, missed=6).state
    assert state is (State.FAULT if reaction == "stop" else State.HOLD)


@pytest.mark.parametrize("tolerated", [0.0, 1e-9])
def test_a_policy_that_tolerates_no_delay_is_refused_not_held_for_ever(
    bundle, tolerated
):
    change = {"latency": Latency(tolerated=tolerated)}
    contract = bundle.contract.model_copy(update=change)
    with pytest.raises(MismatchError, match="delay that the policy tolerates"):
        Runtime(Bundle(bundle.path, contract))
