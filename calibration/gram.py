"""All that a fit needs of its data: small Gram matrices, with robust weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forearm.core.log import Floats

from .effort_model import Model
from .ladder import columns
from .motion import Motion

HUBER = 2.5
"""Residuals beyond this many robust deviations count linearly."""


@dataclass(frozen=True)
class Gram:
    """All that a fit needs of one stretch of samples, per joint."""

    matrix: list[Floats]
    """A' W A per joint."""
    moment: list[Floats]
    """A' W y per joint."""
    square: Floats
    """y' W y per joint, (n,)."""

    def __add__(self, other: Gram) -> Gram:
        """Add the data of another stretch."""
        pairs = zip(self.matrix, other.matrix, strict=True)
        moments = zip(self.moment, other.moment, strict=True)
        return Gram(
            [a + b for a, b in pairs],
            [a + b for a, b in moments],
            self.square + other.square,
        )


def total(grams: Sequence[Gram]) -> Gram:
    """Return the sum of at least one stretch."""
    out = grams[0]
    for gram in grams[1:]:
        out = out + gram
    return out


def gram_of(
    motion: Motion, model: Model, weight: Floats, rows: slice = slice(None)
) -> Gram:
    """Return the Gram matrices of a stretch of a log.

    Args:
        motion: the log.
        model: where the load columns are taken.
        weight: per sample and joint, 0 where it does not count, (T, n).
        rows: the stretch.
    """
    load = motion.rigid(model.inertials) / model.gain
    matrix, moment, square = [], [], []
    for j, law in enumerate(model.setup.laws):
        use = np.flatnonzero(weight[rows, j] > 0) + (rows.start or 0)
        links = motion.regressor[use, j, j:].reshape(len(use), 10 * (model.setup.n - j))
        table = np.hstack([links, columns(motion, j, law, load[:, j])[use]])
        heavy = table * weight[use, j, None]
        effort = motion.effort[use, j]
        matrix.append(heavy.T @ table)
        moment.append(heavy.T @ effort)
        square.append(float(weight[use, j] @ effort**2))
    return Gram(matrix, moment, np.array(square))


def weights(motions: Sequence[Motion], model: Model) -> tuple[list[Floats], Floats]:
    """Return Huber weights over noise variance, (T, n) each, and the noise, (n,).

    Correlated residuals count as the smaller number of independent ones.
    """
    errors = [m.effort - model.predict(m) for m in motions]
    out = [np.zeros_like(e) for e in errors]
    noise = np.ones(model.setup.n)
    for j in range(model.setup.n):
        rows = [e[m.moving[:, j], j] for e, m in zip(errors, motions, strict=True)]
        joined = np.concatenate(rows)
        if len(joined) < 10:
            continue
        noise[j] = max(1.4826 * float(np.median(np.abs(joined))), 1e-9)
        share = _independent(rows) / noise[j] ** 2
        for w, e, m in zip(out, errors, motions, strict=True):
            huber = np.minimum(1, HUBER * noise[j] / np.maximum(np.abs(e[:, j]), 1e-12))
            w[:, j] = np.where(m.moving[:, j], huber * share, 0)
    return out, noise


def _independent(rows: list[Floats]) -> float:
    """Return the share of independent samples, by the lag-one correlation."""
    joined = [r - r.mean() for r in rows if len(r) > 2]
    top = sum(float(r[1:] @ r[:-1]) for r in joined)
    rho = np.clip(top / max(sum(float(r @ r) for r in joined), 1e-12), 0, 0.98)
    return float((1 - rho) / (1 + rho))


def effective(model: Model) -> list[Floats]:
    """Return per joint what its columns are multiplied with."""
    numbers, gain, setup = model.inertials, model.gain, model.setup
    return [
        np.concatenate([numbers[j:].ravel() / gain[j], model.vector[setup.place(j)]])
        for j in range(setup.n)
    ]


def misfit(model: Model, gram: Gram) -> Floats:
    """Return the weighted sum of squared residuals per joint, (n,)."""
    values = effective(model)
    parts = zip(values, gram.matrix, gram.moment, strict=True)
    wrong = [float(v @ (g @ v - 2 * h)) for v, g, h in parts]
    return np.asarray(gram.square + np.array(wrong))
