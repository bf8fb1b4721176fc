"""Distributions, terms and posteriors draw what they say and refuse the rest."""

import numpy as np
import pytest
from scipy.stats import kstest

from forearm.core.errors import LimitError, MismatchError, UnknownNameError
from forearm.core.params import nominal_values
from forearm.core.robots import get_robot
from forearm.sim.distributions import Choice, Constant, LogUniform, Normal, Uniform
from forearm.sim.posterior import Posterior
from forearm.sim.presets import PRESETS
from forearm.sim.quantities import all_nominal
from forearm.sim.randomization import Randomization
from forearm.sim.terms import Absolute, Additive, Multiplicative

ROBOT = get_robot("ur5e")
NOMINAL = all_nominal(ROBOT)

DISTRIBUTIONS = {
    "uniform": Uniform(-1.0, 3.0),
    "log_uniform": LogUniform(0.1, 10.0),
    "normal": Normal(1.0, 2.0),
    "cut": Normal(0.0, 1.0, 0.5, 4.0),
    "scaled": 2.0 * Uniform(0.0, 1.0) - 5.0,
    "negative": 1.0 - Normal(0.0, 1.0),
    "sum": Uniform(0.0, 1.0) + Uniform(0.0, 1.0),
    "product": Uniform(0.5, 1.5) * Normal(0.0, 1.0),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_follow_the_declared_distribution(name):
    distribution = DISTRIBUTIONS[name]
    draws = distribution.sample(np.random.default_rng(0), 20_000)
    low, high = distribution.support
    assert (draws >= low).all()
    assert (draws <= high).all()
    # 1.63 / sqrt(n) is exceeded once in a hundred; the seed is fixed.
    assert kstest(draws, distribution.cdf).statistic < 1.63 / np.sqrt(20_000)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantile_and_cdf_invert_each_other(name):
    distribution = DISTRIBUTIONS[name]
    u = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(distribution.cdf(distribution.quantile(u)), u, atol=1e-6)


def test_a_choice_takes_each_value_equally_often():
    draws = Choice((3.0, 1.0, 1.0)).sample(np.random.default_rng(0), 9000)
    assert set(draws) == {1.0, 3.0}
    assert abs((draws == 1.0).mean() - 2 / 3) < 0.02


def test_arithmetic_with_numbers_stays_in_the_family():
    assert 2 * Uniform(0.0, 1.0) + 1 == Uniform(1.0, 3.0)
    assert -Uniform(0.0, 1.0) == Uniform(-1.0, 0.0)
    assert 3 - Constant(1.0) == Constant(2.0)
    assert Choice((1.0, 2.0)) * 2 == Choice((2.0, 4.0))


def test_a_distribution_may_have_one_number_per_value():
    term = Absolute(Uniform((0.0,) * 5 + (10.0,), (1.0,) * 5 + (11.0,)))
    draw = term.sample(np.random.default_rng(0), np.zeros(6))
    assert (draw[:5] < 1.0).all()
    assert draw[5] >= 10.0
    with pytest.raises(LimitError, match="1 or 6"):
        Randomization({"kp": Absolute(Uniform((1.0, 2.0), 3.0))}).check(ROBOT, NOMINAL)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Additive(Constant(2.0)), [3.0, 6.0]),
        (Multiplicative(Constant(2.0)), [2.0, 8.0]),
        (Absolute(Constant(2.0)), [2.0, 2.0]),
    ],
)
def test_a_term_adds_multiplies_or_replaces(term, expected):
    draw = term.sample(np.random.default_rng(0), np.array([1.0, 4.0]))
    np.testing.assert_array_equal(draw, expected)


def test_a_shared_draw_is_the_same_for_all_joints():
    term = Multiplicative(Uniform(0.0, 1.0), shared=True)
    draw = term.sample(np.random.default_rng(0), np.ones(6))
    assert len(set(draw)) == 1


def test_width_narrows_each_side_towards_the_nominal_value():
    kp = ROBOT.vector("kp")
    full = Randomization({"kp": Multiplicative(Uniform(0.5, 1.5))})
    part = full.widened({("kp", "low"): 0.0, ("kp", "high"): 0.2})
    draws = np.array(
        [part.sample(np.random.default_rng(i), NOMINAL)["kp"] / kp for i in range(200)]
    )
    assert draws.min() == 1.0
    assert 1.08 < draws.max() <= 1.1


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"command_delay": Absolute(Uniform(0, 0.5))}, r"\[0, 0.2\] s"),
        ({"kp": Multiplicative(Uniform(-0.1, 1))}, "negative"),
        ({"kp": Additive(Uniform(-1e6, 0))}, r"\[0, inf\]"),
        ({"torque_scale": Multiplicative(Normal(1.0, 0.5))}, "negative"),
    ],
)
def test_a_range_that_is_not_physical_is_refused_with_the_valid_one(terms, message):
    with pytest.raises(LimitError, match=message):
        Randomization(terms).check(ROBOT, NOMINAL)


def test_bad_distributions_are_refused():
    for build in (
        lambda: Uniform(2.0, 1.0),
        lambda: Uniform(0.0, float("nan")),
        lambda: LogUniform(0.0, 1.0),
        lambda: Normal(0.0, 0.0),
        lambda: Normal(0.0, 1.0, 50.0, 60.0),
        lambda: Choice(()),
        lambda: Absolute(Uniform(0, 1), every=0.0),
    ):
        with pytest.raises(LimitError):
            build()
    with pytest.raises(UnknownNameError, match="coulomb"):
        Randomization({"kq": Absolute(Uniform(0, 1))})
    with pytest.raises(MismatchError, match="panda"):
        Randomization(robot="panda").check(ROBOT, NOMINAL)


def correlated(**rest):
    """Return a posterior of two frictions with correlation -0.9, means 8 and 4."""
    names = ("viscous[0]", "coulomb[0]")
    return Posterior(names, ((1.0, -0.45), (-0.45, 0.25)), **rest)


def draw(posterior, count=4000):
    mean = posterior.centre(nominal_values(ROBOT))
    return posterior.vectors([np.random.default_rng(0)] * count, mean)


def test_a_posterior_keeps_mean_spread_and_correlation():
    draws = draw(correlated())
    np.testing.assert_allclose(draws.mean(axis=0), [8.0, 4.0], atol=0.05)
    np.testing.assert_allclose(draws.std(axis=0), [1.0, 0.5], rtol=0.05)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(-0.9, abs=0.02)


def test_a_posterior_never_leaves_what_is_physical():
    draws = draw(correlated(mean=(0.5, 0.1)))
    assert draws.min() >= 0.0
    assert np.corrcoef(draws.T)[0, 1] < -0.3


def test_where_plain_draws_find_nothing_the_tail_agrees_with_the_truth():
    alone = Posterior(("coulomb[0]",), ((1.0,),), mean=(-8.0,))
    draws = draw(alone, 2000)
    assert draws.min() >= 0.0
    # E[x - 0 | x > 0] of N(-8, 1) is 0.1213 (inverse Mills ratio); of 2000 draws with
    # a spread of 0.12 the mean is off by 10 % once in ten thousand times.
    assert draws.mean() == pytest.approx(0.1213, rel=0.1)


def test_only_the_named_values_of_a_posterior_vary():
    values = Randomization(posterior=correlated()).sample(
        np.random.default_rng(0), NOMINAL
    )
    assert set(values) == {"viscous", "coulomb"}
    np.testing.assert_array_equal(values["viscous"][1:], ROBOT.vector("viscous")[1:])
    assert values["viscous"][0] != ROBOT.vector("viscous")[0]


def test_bad_posteriors_are_refused():
    with pytest.raises(LimitError, match="semi-definite"):
        Posterior(("kp[0]", "kp[1]"), ((1.0, 2.0), (2.0, 1.0)))
    with pytest.raises(LimitError, match="2 x 2"):
        Posterior(("kp[0]", "kp[1]"), ((1.0,),))
    with pytest.raises(LimitError, match="kp"):
        Posterior(("kp",), ((1.0,),))
    with pytest.raises(LimitError, match=r"kp\[6\] does not exist"):
        Randomization(posterior=Posterior(("kp[6]",), ((1.0,),))).check(ROBOT, NOMINAL)
    with pytest.raises(LimitError, match="both"):
        Randomization({"viscous": Additive(Uniform(0, 1))}, correlated())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_suits_the_arm_and_describes_itself(name):
    preset = PRESETS[name]
    preset.check(ROBOT, NOMINAL)
    assert set(preset.describe()) == set(preset.terms)
