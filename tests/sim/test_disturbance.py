"""Late and lost commands, uneven periods, pushes, changes within an episode."""

import numpy as np
import pytest

from forearm.core.errors import LimitError
from forearm.core.robots import get_robot
from forearm.sim.distributions import Constant, Uniform
from forearm.sim.loop import ArmLoop
from forearm.sim.model import LONGEST_DELAY, FieldMap, build_model
from forearm.sim.presets import PRESETS
from forearm.sim.randomization import Randomization
from forearm.sim.tasks import get_task
from forearm.sim.terms import Absolute, Multiplicative

ROBOT = get_robot("ur5e")


def run(terms, steps=60, action=None, nsim=2):
    """Return the loop and the true joint positions of ``steps`` control periods."""
    randomization = Randomization(terms)
    loop = ArmLoop(ROBOT, get_task("reach"), nsim, randomization=randomization)
    loop.seed(range(nsim))
    loop.reset()
    rng = np.random.default_rng(0)
    motion = []
    for _ in range(steps):
        chosen = rng.uniform(-1, 1, (nsim, ROBOT.n)) if action is None else action
        loop.step(np.broadcast_to(chosen, (nsim, ROBOT.n)).astype(np.float32))
        motion.append(loop.batch.joint_pos.copy())
    return loop, np.array(motion)


def test_lost_commands_leave_the_arm_where_it_was_told_to_be():
    _, still = run({"command_drop": Absolute(Constant(0.95))}, 10, np.ones(6))
    _, moved = run({}, 10, np.ones(6))
    assert np.ptp(still, axis=0).max() < np.ptp(moved, axis=0).max()


def test_after_two_lost_commands_the_last_one_that_arrived_holds():
    loop, _ = run({"command_drop": Absolute(Constant(0.5))}, 0)
    sent, arrived = [loop.sensors["previous_command"][0, 0]], []
    lost = loop._disturbance._draws["command_drop"][:, 0] > 0
    for _ in range(30):
        loop.step(np.full((2, 6), 0.3, np.float32))
        sent.append(loop.sensors["previous_command"][0, 0])
        arrived.append(np.float32(loop.batch.batch.ctrl[0, 0]))
    expected = sent[0]
    for k in range(30):
        expected = expected if lost[k] else sent[k + 1]
        assert arrived[k] == expected
    assert 5 < lost[:30].sum() < 25


def test_jitter_delays_a_command_by_its_mean_and_keeps_the_order():
    loop, _ = run({"command_jitter": Absolute(Constant(0.01))}, 0)
    delays = []
    for _ in range(140):
        loop.step(np.zeros((2, 6), np.float32))
        delays.append(loop.batch.batch.expanded("actuator_delay")[:, 0].copy())
    delays = np.array(delays)
    # Mean of 280 exponential draws cut at five means: 0.0099 +- 0.0006.
    assert delays.mean() == pytest.approx(0.01, abs=0.002)
    assert np.diff(delays, axis=0).max() <= 0.02 + 1e-6


def test_uneven_periods_change_how_far_the_arm_gets():
    _, even = run({}, 40)
    loop, uneven = run({"period_jitter": Absolute(Constant(0.3))}, 40)
    steps = loop.batch.batch.expanded("opt.timestep")
    assert steps.min() >= 0.0014
    assert steps.max() <= 0.0026
    assert steps[0] != steps[1]
    assert np.abs(even - uneven).max() > 1e-3


def test_a_push_moves_the_tool_and_ends():
    terms = {
        "push_force": Absolute(Constant((0.0, 0.0, 60.0)), every=1.0),
        "push_time": Absolute(Constant(0.1)),
    }
    loop, motion = run(terms, 5, np.zeros(6))
    _, still = run({}, 5, np.zeros(6))
    assert np.abs(motion - still)[-1].max() > 1e-3
    force = loop.batch.external_force
    assert force[:, :, 2].max() == 60.0
    seen = []
    for _ in range(60):
        loop.step(np.zeros((2, 6), np.float32))
        seen.append(force[0, :, 2].any())
    # 0.1 s of each second: 5 of 50 control periods, for a second and a bit.
    assert 5 <= sum(seen) <= 12
    assert not force[:, : loop._disturbance._tool].any()


def test_a_term_with_an_interval_is_drawn_again_within_the_episode():
    terms = {"encoder_offset": Absolute(Uniform(-0.01, 0.01), every=0.2)}
    loop, _ = run(terms, 0)
    seen = set()
    for _ in range(60):
        loop.step(np.zeros((2, 6), np.float32))
        seen.add(float(loop.batch.values["encoder_offset"][0, 0]))
        offset = loop.sensors["joint_pos"] - loop.batch.joint_pos
        np.testing.assert_allclose(
            offset, loop.batch.values["encoder_offset"], atol=1e-5
        )
    # 1.2 s: a draw at the start and one each 0.2 s from a random phase on.
    assert len(seen) == 7


def test_mass_and_inertia_move_together_in_the_compiled_simulations():
    loop, _ = run({"link_mass_scale": Multiplicative(Uniform(0.5, 1.5))}, 0)
    batch, link = loop.batch.batch, FieldMap(loop.batch.model, ROBOT).link
    scale = loop.batch.values["link_mass_scale"]
    nominal = build_model(ROBOT)
    np.testing.assert_allclose(
        batch.expanded("body_mass")[:, link] / nominal.body_mass[link], scale
    )
    np.testing.assert_allclose(
        batch.expanded("body_inertia")[:, link] / nominal.body_inertia[link],
        np.repeat(scale[:, :, None], 3, axis=2),
    )


def test_a_delay_longer_than_the_buffer_is_refused_when_the_loop_is_built():
    terms = {
        "command_delay": Absolute(Uniform(0.0, 0.15)),
        "command_jitter": Absolute(Uniform(0.0, 0.02)),
    }
    with pytest.raises(LimitError, match=r"0\.25 s.*at most 0\.2 s"):
        run(terms, 0)


def test_buffers_for_the_delays_that_are_drawn_move_the_arm_as_the_longest_do():
    runs = []
    for longest in (None, LONGEST_DELAY):
        loop = ArmLoop(
            ROBOT,
            get_task("reach"),
            3,
            randomization=PRESETS["harsh"],
            longest_delay=longest,
        )
        loop.seed(range(3))
        loop.reset()
        rng, rows = np.random.default_rng(0), []
        for _ in range(160):
            rows.append(loop.step(rng.uniform(-1, 1, (3, 6)).astype(np.float32)))
        runs.append([row.observation for row in rows])
        # 0.06 s and five times 4 ms, in steps that may be a tenth too short.
        held = 0.08 / 0.9 if longest is None else longest
        assert loop.batch.longest_delay == pytest.approx(held)
    np.testing.assert_array_equal(*runs)


def test_a_delay_beyond_what_the_buffers_hold_is_refused():
    randomization = Randomization({"command_delay": Absolute(Uniform(0.0, 0.05))})
    loop = ArmLoop(ROBOT, get_task("reach"), 2, randomization=randomization)
    ids = np.arange(2)
    loop.set_values(ids, {"command_delay": np.full((2, 1), 0.05)})
    with pytest.raises(LimitError, match=r"at most 0\.05 s"):
        loop.set_values(ids, {"command_delay": np.full((2, 1), 0.06)})
