"""The effort law and its guard: bounds for any input, and arms that it holds."""

import math
from collections import deque

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.robots import get_robot
from forearm.deploy.effort import LONGEST, PERIOD, RISE, EffortJoint, EffortLaw
from forearm.deploy.effort_guard import STATE_TIMEOUT, EffortGuard
from forearm.deploy.effort_guarding import carried_links, effort_joints
from forearm.deploy.gravity import Gravity
from forearm.deploy.sample import sample_contract
from forearm.sim.geometry import arm_geometry
from forearm.sim.model import build_model
from forearm.sim.plant import Plant

DT, TIMEOUT = 0.02, 0.1
JOINT = EffortJoint(
    lower=-1.0, upper=1.5, velocity=2.0, acceleration=10.0, effort=30.0, kp=200, kv=10
)
anything = st.one_of(st.floats(-3, 3), st.floats(allow_nan=True, allow_infinity=True))
waits = st.floats(0.0, 0.3)


def no_weight(position):
    return [0.0] * len(position)


@given(st.lists(st.tuples(waits, *[anything] * 5), max_size=15))
@settings(max_examples=100, deadline=None)
def test_no_input_makes_an_effort_outside_the_limits_or_a_faster_change(sequence):
    weight = [0.0]
    law, now, last = EffortLaw([JOINT], lambda _: weight), 0.0, 0.0
    law.begin([0.0])
    for wait, p, v, q, dq, carried in sequence:
        now, weight[0] = now + wait, carried
        (out,) = law.drive(([p], [v]), ([q], [dq]), now)
        assert abs(out) <= JOINT.effort
        assert abs(out - last) <= JOINT.effort / RISE * min(wait, LONGEST) + 1e-9
        last = out


events = st.tuples(st.floats(0.0, 0.03), st.sampled_from("cst"), anything, anything)


@given(st.lists(events, max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_sequence_of_messages_takes_guard_or_reference_outside(sequence):
    guard, now, last = EffortGuard([JOINT], TIMEOUT, DT, no_weight), 0.0, 0.0
    for wait, kind, a, b in [(0.0, "s", 0.0, 0.0), *sequence]:
        now += wait
        out = None
        if kind == "c":
            guard.command([a, b], now)
        elif kind == "s":
            out = guard.measured([a], [b], now)
        else:
            out = guard.tick(now)
        if out is not None:
            assert abs(out[0]) <= JOINT.effort
            assert abs(out[0] - last) <= JOINT.effort / RISE * LONGEST + 1e-9
            last = out[0]
        if guard.position:
            (p,), (v,) = guard.position, guard.velocity
            assert JOINT.lower <= p <= JOINT.upper
            assert abs(v) <= JOINT.velocity
            # It can stop before the limit ahead; a step of 20 ms is on the way.
            room = JOINT.upper - p if v > 0 else p - JOINT.lower
            stop = v * v / (2 * JOINT.acceleration)
            assert stop <= room + abs(v) * STATE_TIMEOUT + 1e-9


class Loop:
    """A guard and a plant, with efforts that arrive some states late."""

    def __init__(self, name, *, lag=1, weigh=True):
        robot = get_robot(name)
        self.contract = sample_contract(robot, DT, geometry=arm_geometry(robot))
        links = carried_links(self.contract) if weigh else []
        weight = Gravity(links) if links else no_weight
        self.guard = EffortGuard(effort_joints(self.contract), TIMEOUT, DT, weight)
        self.plant, self.robot, self.steps = Plant(robot), robot, 0
        self.late = deque([None] * lag)
        self.last = robot.home.copy()
        self.efforts = []

    @property
    def now(self):
        return self.steps * PERIOD

    def run(self, seconds, path=None, *, blind=False):
        worst = 0.0
        for _ in range(round(seconds / PERIOD)):
            state = self.plant.read()
            out = (
                self.guard.tick(self.now)
                if blind
                else self.guard.measured(
                    state.position.tolist(), state.velocity.tolist(), self.now
                )
            )
            self.late.append(None if out is None else np.array(out))
            if (effort := self.late.popleft()) is not None:
                self.efforts.append(effort)
                self.plant.command_effort(effort)
            if path is not None and self.steps % round(DT / PERIOD) == 0:
                wanted = path(self.now)
                velocity = (wanted - self.last) / DT
                assert self.guard.command([*wanted, *velocity], self.now)
                self.last = wanted
            self.plant.advance(PERIOD)
            self.steps += 1
            worst = max(worst, np.abs(self.plant.joint_pos - self.last).max())
        return worst

    def swing(self, now):
        s = min(now, 1.0)
        size = s * s * (3 - 2 * s)  # a velocity without jumps
        return self.robot.home + 0.25 * size * np.sin(2 * now)

    def hold(self, _now):
        return self.robot.home


@pytest.mark.parametrize(("name", "lag"), [("ur5e", 0), ("ur5e", 2), ("panda", 1)])
def test_the_plant_follows_and_silence_brakes_and_holds_it(name, lag):
    loop = Loop(name, lag=lag)
    # Two periods at 0.5 rad/s, and friction over the softened spring.
    assert loop.run(3.0, loop.swing) < 0.04
    assert np.abs(loop.plant.joint_vel).max() > 0.2
    loop.run(1.5)
    assert loop.guard.rests
    assert loop.guard.relay.timeouts == 1
    assert np.abs(loop.plant.joint_vel).max() < 0.005
    assert np.abs(loop.plant.joint_pos - loop.guard.position).max() < 0.015
    loop.guard.let_go()
    loop.run(0.1)
    assert loop.guard.done
    assert not loop.guard.law.output[0]
    limits = loop.robot.vector("effort")
    assert (np.abs(loop.efforts) <= limits).all()


def test_a_pushed_arm_comes_back_to_rest_though_efforts_are_limited_and_late():
    # A slower rise of the effort than RISE lets this arm swing up.
    loop = Loop("panda", lag=2)
    loop.run(0.3, loop.hold)
    loop.plant.data.qvel[:] += 2.0
    loop.run(2.0, loop.hold)
    assert np.abs(loop.plant.joint_vel).max() < 0.005
    assert np.abs(loop.plant.joint_pos - loop.robot.home).max() < 0.01


@pytest.mark.parametrize("name", ["so101", "ur5e"])
def test_gravity_is_that_of_the_simulator(name):
    robot = get_robot(name)
    contract = sample_contract(robot, DT, geometry=arm_geometry(robot))
    bare = contract.arm.__class__(**{**vars_of(robot), "gravity_compensated": False})
    contract = contract.model_copy(update={"own_robot": bare})
    gravity, model = Gravity(carried_links(contract)), build_model(robot)
    model.body_gravcomp[:] = 0.0
    data, rng = mujoco.MjData(model), np.random.default_rng(0)
    joints = [model.joint(name) for name in robot.joint_names]
    for _ in range(5):
        q = rng.uniform(robot.lower, robot.upper)
        data.qpos[[j.qposadr[0] for j in joints]] = q
        mujoco.mj_forward(model, data)
        bias = data.qfrc_bias[[j.dofadr[0] for j in joints]]
        np.testing.assert_allclose(gravity(q.tolist()), bias, atol=1e-6)


def vars_of(robot):
    return {name: getattr(robot, name) for name in robot.__dataclass_fields__}


def test_an_arm_that_nobody_carries_is_held_by_the_weight_of_its_links():
    held, sagging = Loop("so101"), Loop("so101", weigh=False)
    for loop in (held, sagging):
        loop.run(1.5, loop.hold)
    assert np.abs(held.plant.joint_pos - held.robot.home).max() < 0.004
    assert np.abs(sagging.plant.joint_pos - held.robot.home).max() > 0.01
    # Unseen, it is still carried: what is let go is the spring, not the arm.
    before = held.plant.joint_pos
    held.run(0.5, blind=True)
    assert held.guard.blinded == 1
    assert np.abs(held.plant.joint_pos - before).max() < 0.01


def test_an_arm_that_cannot_be_seen_is_let_go():
    loop = Loop("ur5e")
    loop.run(1.5, loop.swing)
    loop.run(STATE_TIMEOUT + RISE + 4 * PERIOD, blind=True)
    assert not np.any(loop.guard.law.output)
    assert not loop.guard.command([*loop.last, *np.zeros(6)], loop.now)
    # Seen again, the reference starts where the arm is, not where it was.
    loop.run(2 * PERIOD)
    away = np.abs(loop.plant.joint_pos - loop.guard.position).max()
    assert away < 0.03


def test_a_guard_that_takes_over_brakes_from_what_it_sees():
    guard = EffortGuard([JOINT], TIMEOUT, DT, no_weight)
    guard.take_over()
    guard.measured([0.2], [1.0], 0.0)
    assert guard.position == [pytest.approx(0.2, abs=0.01)]
    now = 0.0
    while not (guard.relay.stopping and guard.relay.at_rest):
        now += PERIOD
        guard.measured([0.2], [0.0], now)
        assert now < 1.0 / JOINT.acceleration + 2 * DT
    # v^2 / 2a from the pose seen first.
    assert guard.position == [pytest.approx(0.25, abs=0.02)]


def test_nothing_is_sent_before_the_first_command_or_taken_before_a_state():
    guard = EffortGuard([JOINT], TIMEOUT, DT, no_weight)
    assert not guard.command([0.0, 0.0], 0.0)
    assert guard.tick(1.0) is None
    assert guard.measured([0.1], [0.0], 1.0) is None
    assert not guard.command([0.0], 1.0)
    assert not guard.command([math.nan, 0.0], 1.0)
    assert guard.refused == 2
    assert guard.command([0.1, 0.0], 1.0)


def test_an_arm_that_was_moved_meanwhile_is_not_pulled_back():
    guard = EffortGuard([JOINT], TIMEOUT, DT, no_weight, slip=0.35)
    guard.measured([0.0], [0.0], 0.0)
    guard.command([0.0, 0.0], 0.0)
    for k in range(1, 60):  # silence: it is held
        guard.measured([0.3 if k > 40 else 0.0], [0.0], k * PERIOD)
    assert guard.relay.stopping
    assert guard.position == [0.0]
    guard.measured([0.5], [0.0], 60 * PERIOD)
    assert guard.position == [0.5]
    guard.measured([0.7], [0.0], 61 * PERIOD)
    guard.command([0.7, 0.0], 61 * PERIOD)
    assert guard.position == [0.7]
