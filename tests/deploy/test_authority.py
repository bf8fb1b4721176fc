import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.bundle import Bundle
from forearm.deploy.authority import RATE, SETTLE, TRIAL, Authority, TroubleWatch
from forearm.deploy.judge import violations
from forearm.deploy.runtime import Runtime
from forearm.deploy.state_machine import State
from forearm.deploy.step import RuntimeOptions, Step
from forearm.deploy.watchdog import JointSample

DT = 0.02

words = st.lists(
    st.one_of(st.floats(-1.0, 2.0), st.just("trouble"), st.integers(1, 300)),
    max_size=30,
)
"""What the operator asks for, what goes wrong, and how many periods are quiet."""


@settings(max_examples=300, deadline=None)
@given(sequence=words, start=st.floats(0.0, 1.0))
def test_authority_never_jumps_up_nor_beyond_what_was_asked_for(sequence, start):
    authority = Authority(DT, start, fallback=True)
    for word in sequence:
        if isinstance(word, float):
            before = authority.share
            authority.request(word)
            assert authority.share <= before
        for _ in range(word if isinstance(word, int) else 1):
            before, safe = authority.share, authority.safe
            authority.update("trouble" if word == "trouble" else "")
            assert 0.0 <= authority.share <= authority.requested <= 1.0
            assert authority.share <= before + RATE * DT + 1e-12
            if word == "trouble" and not authority.reason:
                assert before == authority.share == 0.0
            elif word == "trouble":
                # To the safe stage, which may settle, or to nothing from there.
                assert authority.share in (0.0, safe)
                assert authority.share <= before


def quiet(authority, seconds):
    for _ in range(round(seconds / DT)):
        authority.update("")


def test_trouble_goes_back_to_the_last_stage_that_ran_clean_and_then_to_nothing():
    authority = Authority(DT, 0.3, fallback=True)
    quiet(authority, TRIAL + 0.1)
    authority.request(0.8)
    quiet(authority, TRIAL / 2)
    assert authority.share == 0.8
    assert authority.update("tracking")
    assert (authority.share, authority.reason) == (0.3, "tracking")
    quiet(authority, 60.0)
    assert authority.share == 0.3  # only the operator raises it
    authority.update("again")
    assert authority.share == authority.safe == 0.0
    authority.request(0.5)
    quiet(authority, 1.0)
    assert (authority.share, authority.reason) == (0.5, "")


def test_a_stage_fallen_back_to_may_calm_the_arm_first():
    authority = Authority(DT, 0.3, fallback=True)
    quiet(authority, TRIAL + 0.1)
    authority.request(0.8)
    quiet(authority, 1.0)
    fell = [authority.update("tracking") for _ in range(round(2 * SETTLE / DT))]
    assert [k for k, now in enumerate(fell) if now] == [0, round(SETTLE / DT)]
    assert authority.share == 0.0


def test_without_fallback_trouble_changes_nothing():
    authority = Authority(DT)
    assert not authority.update("trouble")
    assert authority.share == 1.0


@pytest.mark.parametrize(("limited", "shifted"), [(True, False), (False, True)])
def test_what_lasts_half_the_window_is_trouble_and_less_is_not(limited, shifted):
    watch, said = TroubleWatch(DT, 0.35), []
    for k in range(40):
        step = Step(state=State.RUN, limited=limited and k % 3 == 0)
        said.append(watch.check(step, shifted and k % 3 == 0, 0.0))
    assert not any(said)
    for _ in range(13):
        said.append(watch.check(Step(state=State.RUN, limited=limited), shifted, 0.0))
    assert said[-1]
    watch.reset()
    assert not watch.check(Step(state=State.RUN, limited=limited), shifted, 0.0)


def test_half_the_tracking_error_limit_and_every_latched_state_are_trouble():
    watch = TroubleWatch(DT, 0.35)
    assert not watch.check(Step(state=State.RUN), False, 0.17)
    assert "0.180 rad away" in watch.check(Step(state=State.RUN), False, 0.18)
    assert "estop" in watch.check(Step(state=State.ESTOP, reason="button"), False, 0.0)


class Arm:
    """A servo that follows the command, less an error it is given."""

    def __init__(self, bundle, robot, options):
        self.runtime, self.robot = Runtime(bundle, options), robot
        self.position, self.velocity = np.array(robot.home), [0.0] * robot.n
        self.now, self.sent = 100.0, []
        self.run(0)
        self.runtime.activate(self.now)
        self.runtime.on_target((0.4, 0.3, 0.2), (1, 0, 0, 0), self.now)

    def feed(self, error):
        position = (self.position - error).tolist()
        names, now = self.robot.joint_names, self.now
        sample = JointSample(names, position, self.velocity, now, now)
        self.runtime.on_joint_state(sample)

    def run(self, ticks, error=0.0):
        if not ticks:
            self.feed(error)
        for _ in range(ticks):
            self.now += DT
            self.feed(error)
            step = self.runtime.step(self.now)
            self.position, self.velocity = np.array(step.command), list(step.velocity)
            self.sent.append(list(step.command))
        return step if ticks else None


@settings(max_examples=15, deadline=None)
@given(asked=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_no_sequence_of_shares_leaves_the_limits(bundle, robot, asked):
    arm = Arm(bundle, robot, RuntimeOptions(authority=0.0, fallback=True))
    for share in asked:
        arm.runtime.authority.request(share)
        arm.run(20)
    sent = [(0.0, k, c) for k, c in enumerate(arm.sent)]
    assert violations(sent, arm.runtime.contract) == []


def test_an_arm_that_does_not_follow_is_given_up_before_it_is_a_fault(bundle, robot):
    arm = Arm(bundle, robot, RuntimeOptions(authority=0.5, fallback=True))
    arm.run(60)
    assert arm.runtime.authority.share == 0.5
    step = arm.run(40, error=0.2)
    assert step.state is State.RUN
    assert arm.runtime.authority.share == 0.0
    assert max(map(abs, step.velocity)) == 0
    assert "away from its command" in arm.runtime.authority.reason


def test_inputs_that_training_did_not_see_take_the_authority_back(bundle, robot):
    inputs = [
        i.model_copy(update={"low": [9.0] * 6, "high": [10.0] * 6})
        if i.name == "joint_pos"
        else i
        for i in bundle.contract.inputs
    ]
    other = bundle.contract.model_copy(update={"inputs": inputs})
    options = RuntimeOptions(authority=0.5, fallback=True)
    arm = Arm(Bundle(bundle.path, other), robot, options)
    arm.run(60)
    assert arm.runtime.authority.share == 0.0
    assert "training distribution" in arm.runtime.authority.reason
