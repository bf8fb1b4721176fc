"""White noise of whole episodes."""

import numpy as np
from scipy.stats import kstest

from forearm.sim.noise import STEP, Noise


def test_noise_is_normal_white_and_as_wide_as_asked():
    noise = Noise(4000, 3, 2)
    std = np.array([[1e-4, 0.0], [2.0, 0.5]])
    noise.draw(np.array([2, 0]), [np.random.default_rng(i) for i in (7, 8)], std)
    seen = np.array([noise.at(np.full(3, tick)) for tick in range(4001)])
    assert kstest(seen[:, 0, 0] / 2.0, "norm").pvalue > 0.01
    assert kstest(seen[:, 2, 0] / 1e-4, "norm").pvalue > 0.01
    assert not seen[:, 2, 1].any()
    assert not seen[:, 1].any()
    again = np.corrcoef(seen[1:, 0].T, seen[:-1, 0].T)
    np.testing.assert_allclose(again - np.eye(4), 0.0, atol=0.06)


def test_noise_is_the_generators_own_to_a_step_and_lasts():
    noise = Noise(9, 2, 3)
    noise.draw(np.array([1]), [np.random.default_rng(3)], np.ones((1, 3)))
    expected = np.random.default_rng(3).standard_normal((10, 3), dtype=np.float32)
    for tick in range(10):
        seen = noise.at(np.array([0, tick]))
        np.testing.assert_allclose(seen[1], expected[tick], atol=0.51 * STEP)
    np.testing.assert_array_equal(noise.at(np.array([0, 50]))[1], seen[1])


def test_a_quiet_episode_draws_nothing_and_forgets_the_one_before():
    noise, rng = Noise(9, 1, 1), np.random.default_rng(0)
    noise.draw(np.array([0]), [rng], np.ones((1, 1)))
    drawn = rng.bit_generator.state
    noise.draw(np.array([0]), [rng], np.zeros((1, 1)))
    assert rng.bit_generator.state == drawn
    assert not noise.at(np.array([4])).any()
