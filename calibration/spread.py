"""How far the fitted numbers may be off: block bootstrap and scatter between logs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.stats import t as student

from forearm.core.log import Floats

from .effort_model import Model
from .gram import Gram, gram_of, total, weights
from .linear import local
from .motion import Motion

BLOCKS = 24
"""Stretches that are resampled; each is about a second or more, longer than the
residuals remember."""

RESAMPLES = 200
"""Bootstrap resamples, each refitted by one Gauss-Newton step."""

QUARTERS = 4
"""Parts that stand in for separate logs where there is only one."""

LEVEL = 0.9
"""Level the intervals are made for."""


def covariance(
    model: Model, motions: Sequence[Motion], rng: np.random.Generator
) -> Floats:
    """Return the covariance of the fitted vector, (size, size).

    The sum of three: what the prior leaves open, the block bootstrap (Künsch 1989,
    Ann. Stat. 17), and how far fits to single logs scatter around the common one,
    widened for their small number by Student's t. The residuals alone would give a
    width several times too small: friction changes from log to log.
    """
    heavy, _ = weights(motions, model)
    pairs = list(zip(motions, heavy, strict=True))
    each = max(BLOCKS // len(motions), QUARTERS)
    blocks = [_parts(model, m, w, each) for m, w in pairs]
    prior = np.diag(model.setup.prior())
    pull = prior @ (model.vector - model.setup.center)
    slopes, curves = _linear(model, [g for parts in blocks for g in parts])
    open_ = np.linalg.inv(curves.sum(axis=0) + prior)
    share = np.full(len(slopes), 1 / len(slopes))
    counts = rng.multinomial(len(slopes), share, size=RESAMPLES)
    moves = [
        -np.linalg.solve(np.tensordot(c, curves, 1) + prior, c @ slopes + pull)
        for c in counts.astype(np.float64)
    ]
    return np.asarray(open_ + np.cov(np.array(moves).T) + _between(model, blocks, pull))


def _parts(model: Model, motion: Motion, weight: Floats, count: int) -> list[Gram]:
    edges = np.linspace(0, len(motion.qpos), count + 1).astype(int)
    rows = [slice(int(a), int(b)) for a, b in pairwise(edges)]
    return [gram_of(motion, model, weight, part) for part in rows]


def _linear(model: Model, grams: list[Gram]) -> tuple[Floats, Floats]:
    found = [local(model.setup, gram, model.vector) for gram in grams]
    return np.array([g for g, _ in found]), np.array([h for _, h in found])


def _between(model: Model, blocks: list[list[Gram]], pull: Floats) -> Floats:
    """Return the scatter of one-step refits to single logs, or quarters of one."""
    share = 1.0
    if len(blocks) == 1:
        # A quarter holds a quarter of the data, so most of its scatter is its own.
        share = 0.5
        parts = np.array_split(np.arange(len(blocks[0])), QUARTERS)
        units = [total([blocks[0][i] for i in part]) for part in parts]
    else:
        units = [total(parts) for parts in blocks]
    prior = np.diag(model.setup.prior())
    slopes, curves = _linear(model, units)
    moves = np.array(
        [
            -np.linalg.solve(h + prior, g + pull)
            for g, h in zip(slopes, curves, strict=True)
        ]
    )
    free = len(units) - 1
    normal = float(student.ppf((1 + LEVEL) / 2, 1e6))
    widen = float(student.ppf((1 + LEVEL) / 2, free)) / normal
    return np.asarray(share * widen**2 * moves.T @ moves / free)
