"""Randomization widens with success, narrows with failure, and remembers."""

import numpy as np
import pytest

from forearm.core.errors import LimitError
from forearm.core.robots import get_robot
from forearm.sim.distributions import Uniform
from forearm.sim.loop import ArmLoop
from forearm.sim.randomization import Randomization
from forearm.sim.tasks import get_task
from forearm.sim.terms import Multiplicative
from forearm.sim.widening import Widening, WideningConfig

FULL = Randomization({"kp": Multiplicative(Uniform(0.5, 1.5))})
FAST = WideningConfig(start=0.0, step=0.5, episodes=10)


def test_success_widens_one_side_after_the_other_up_to_everything():
    widening, shares = Widening(FULL, FAST), []
    for _ in range(5):
        widening.record(np.ones(10, bool))
        shares.append(widening.share)
    assert shares == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_failure_takes_the_last_step_back_and_middling_success_waits():
    widening = Widening(FULL, FAST)
    widening.record(np.ones(10, bool))
    assert not widening.record(np.arange(10) < 6)
    assert widening.share == 0.25
    assert widening.record(np.zeros(10, bool))
    assert widening.share == 0.0


def test_the_loop_draws_from_what_is_in_use_and_widens_by_its_own_success():
    widening = Widening(FULL, FAST)
    robot = get_robot("ur5e")
    loop = ArmLoop(robot, get_task("reach"), 10, widening=widening)
    loop.reset()
    nominal = robot.vector("kp")
    np.testing.assert_allclose(loop.batch.values["kp"] / nominal, 1.0)
    widening.record(np.ones(9, bool))
    for _ in range(loop.task.steps):
        loop.step(np.zeros((10, 6), np.float32))
    # Nine successes and ten failures decide nothing more than to stay narrow.
    assert widening.share == 0.0
    for _ in range(2):
        widening.record(np.ones(10, bool))
    loop.randomization = widening.randomization
    loop.reset()
    assert np.ptp(loop.batch.values["kp"] / nominal) > 0.2


def test_a_checkpoint_goes_on_where_it_stopped():
    one, other = Widening(FULL, FAST), Widening(FULL, FAST)
    one.record(np.ones(13, bool))
    other.restore(one.state())
    assert other.randomization.width == one.randomization.width
    assert other.record(np.ones(10, bool)) == one.record(np.ones(10, bool))
    with pytest.raises(LimitError, match="another"):
        Widening(Randomization()).restore(one.state())


def test_thresholds_that_act_both_ways_are_refused():
    with pytest.raises(LimitError, match="narrow_below"):
        WideningConfig(narrow_below=0.9, widen_above=0.8)
