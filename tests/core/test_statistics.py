"""Intervals against published and independently computed values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forearm.core.statistics import bootstrap_mean, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_the_published_table(successes, trials, low, high) -> None:
    got = wilson(successes, trials)
    assert got == pytest.approx((low, high), abs=5e-5)


def test_wilson_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="the sim extra is not installed")
    for successes, trials in [(0, 5), (3, 7), (95, 100), (1000, 1000)]:
        theirs = stats.binomtest(successes, trials).proportion_ci(method="wilson")
        assert wilson(successes, trials) == pytest.approx(tuple(theirs), abs=1e-12)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_contains_the_rate_and_mirrors(counts: tuple[int, int]) -> None:
    successes, trials = counts
    low, high = wilson(successes, trials)
    assert 0.0 <= low <= high <= 1.0
    if trials:
        assert low <= successes / trials <= high
        mirrored = wilson(trials - successes, trials)
        assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


@pytest.mark.parametrize("counts", [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        wilson(*counts)


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(0), 0
    for _ in range(200):
        low, high = bootstrap_mean(rng.normal(3.0, 2.0, 40), rng, resamples=400)
        hits += low <= 3.0 <= high
    assert 0.88 <= hits / 200 <= 0.98


def test_the_bootstrap_repeats_with_the_same_seed() -> None:
    values = np.arange(10.0)
    first = bootstrap_mean(values, np.random.default_rng(1))
    assert first == bootstrap_mean(values, np.random.default_rng(1))


def test_the_bootstrap_refuses_nothing_at_all() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean([], np.random.default_rng(0))
