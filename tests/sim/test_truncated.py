"""Draws of a normal distribution cut off at a box are exact and need no luck."""

import numpy as np
import pytest

from forearm.sim import truncated
from forearm.sim.truncated import TruncatedNormal

FREE = np.full(2, np.inf)


def generators(count):
    return [np.random.default_rng(i) for i in range(count)]


def test_forty_values_at_their_limit_are_half_normal_each():
    # A plain draw is inside once in 2^40 times.
    drawn = TruncatedNormal(
        np.zeros(40), np.diag(np.full(40, 4.0)), np.zeros(40), np.full(40, np.inf)
    ).draw(generators(256))
    assert drawn.min() >= 0.0
    # Mean of |N(0, 2)|, here of 10240 draws: 2 sqrt(2 / pi) within 4 of its 0.012.
    assert drawn.mean() == pytest.approx(2 * np.sqrt(2 / np.pi), abs=0.05)
    assert (drawn**2).mean() == pytest.approx(4.0, rel=0.06)
    # Independent values stay so: 780 correlations of 256 draws each scatter by 0.0625.
    apart = np.corrcoef(drawn.T)[np.triu_indices(40, 1)]
    assert np.abs(apart).max() < 0.3
    assert apart.std() == pytest.approx(1 / 16, rel=0.2)


def test_paths_and_plain_draws_agree(monkeypatch):
    covariance = np.array([[1.0, -0.8, 0.3], [-0.8, 1.0, 0.0], [0.3, 0.0, 4.0]])
    low, high = np.array([0.0, -0.5, -np.inf]), np.array([1.5, np.inf, 1.0])
    normal = TruncatedNormal(np.zeros(3), covariance, low, high)
    rng = np.random.default_rng(1)
    monkeypatch.setattr(truncated, "ATTEMPTS", 0)
    paths = normal.draw([rng] * 6000)
    plain = rng.multivariate_normal(np.zeros(3), covariance, 60000)
    plain = plain[((plain >= low) & (plain <= high)).all(axis=1)]
    spread = plain.std(axis=0)
    np.testing.assert_allclose(paths.mean(axis=0), plain.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(paths.std(axis=0), spread, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(paths.T), np.corrcoef(plain.T), atol=0.06)
    assert np.corrcoef(plain.T)[0, 1] < -0.2


def test_a_row_does_not_depend_on_what_is_drawn_with_it():
    normal = TruncatedNormal(
        np.array([-1.0, 2.0]), np.array([[1.0, 0.9], [0.9, 1.0]]), np.zeros(2), FREE
    )
    together = normal.draw(generators(32))
    alone = [normal.draw([rng])[0] for rng in reversed(generators(32))]
    np.testing.assert_allclose(together, alone[::-1], rtol=1e-9)


def test_a_tie_between_values_holds_at_the_wall():
    # Both values are one and the same number; only the second one has a limit.
    normal = TruncatedNormal(
        np.array([0.0, -3.0]), np.ones((2, 2)), np.array([-np.inf, 0.0]), FREE
    )
    drawn = normal.draw(generators(64))
    assert drawn[:, 1].min() >= 0.0
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1] + 3.0, atol=1e-3)


def test_what_has_no_room_stands_still():
    normal = TruncatedNormal(
        np.array([-1.0, 5.0, 2.0]),
        np.diag([0.0, 1.0, 1.0]),
        np.array([0.0, 4.0, -np.inf]),
        np.array([np.inf, 4.0, np.inf]),
    )
    drawn = normal.draw(generators(8))
    np.testing.assert_array_equal(drawn[:, :2], np.tile([0.0, 4.0], (8, 1)))
    assert drawn[:, 2].std() > 0.3
    assert normal.draw([]).shape == (0, 3)
