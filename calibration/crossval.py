"""Choose smoothing, prior strength and friction laws inside the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from forearm.core.log import Floats, RunLog

from .chain import Chain
from .effort_model import Model, Setup, carried, setup_of, start_of
from .gram import Gram, gram_of, misfit, total, weights
from .ladder import NATIVE, RUNGS, SLIPS, STRIBECK_VELOCITIES, Law
from .linear import fit, solve
from .motion import Motion, motion_of
from .ripple import ripple_rates

HALVES = (2, 3, 5)
"""Smoothing windows tried, samples on each side."""

WIDTHS = (0.02, 0.05, 0.1, 0.2)
"""Prior standard deviations of the link inertials tried: how far a link may be from
its data sheet, as a logarithm."""

FOLDS = 5
"""Stretches that each log is cut into where there are fewer than three logs."""

CLEAR = 0.01
"""Part by which a joint's own rung must be better than the common one."""

ENOUGH = 8000
"""Samples used for choosing; more only cost time."""


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose, with the training data prepared accordingly."""

    motions: list[Motion]
    """Training logs."""
    half: int
    """Smoothing window, samples on each side."""
    setup: Setup
    """The prior's width and the friction law of each joint."""
    native: Setup
    """The same with the best law of each joint that plain MuJoCo computes."""
    scores: dict[str, float]
    """Mean cross-validated error [%] of each rung applied to all joints."""


def stretches(motions: Sequence[Motion], folds: int) -> list[tuple[int, slice]]:
    """Return (log, rows): whole logs where there are three, else equal parts."""
    if len(motions) >= 3:
        return [(i, slice(0, len(m.qpos))) for i, m in enumerate(motions)]
    out = []
    for i, m in enumerate(motions):
        edges = np.linspace(0, len(m.qpos), folds + 1).astype(int)
        out += [(i, slice(int(a), int(b))) for a, b in pairwise(edges)]
    return out


def validate(setup: Setup, motions: Sequence[Motion], start: Model) -> Floats:
    """Return the cross-validated error [%] per joint, (n,)."""
    model = fit(setup, motions, start, rounds=1)
    heavy, _ = weights(motions, model)
    plain = [m.moving.astype(np.float64) for m in motions]
    parts = stretches(motions, FOLDS)
    fitted = [gram_of(motions[i], model, heavy[i], rows) for i, rows in parts]
    judged = [gram_of(motions[i], model, plain[i], rows) for i, rows in parts]
    wrong, size = np.zeros(setup.n), np.zeros(setup.n)
    for k, judge in enumerate(judged):
        rest: list[Gram] = fitted[:k] + fitted[k + 1 :]
        found = solve(setup, total(rest), model.vector, steps=4)
        wrong += misfit(Model(setup, found), judge)
        size += judge.square
    seen = np.where(size > 0, size, np.nan)
    return np.asarray(100 * np.sqrt(np.maximum(wrong, 0) / seen))


def choose(
    logs: Sequence[RunLog], chain: Chain, gain: Floats, free_gain: bool
) -> Choice:
    """Choose smoothing, prior and laws by cross-validation over ``logs``.

    Args:
        logs: training logs.
        chain: the arm with nominal inertials.
        gain: drive gains to start from, (n,).
        free_gain: whether gains are fitted.
    """
    n = chain.n
    law = Law("load_quadratic")
    setup = setup_of(chain, [law] * n, WIDTHS[1], gain, free_gain)
    start = start_of(setup)
    few = [_thinned(log, sum(len(x.time) for x in logs)) for log in logs]
    motions = {half: [motion_of(log, chain, half) for log in few] for half in HALVES}
    byhalf = {h: validate(setup, m, start) for h, m in motions.items()}
    half = min(byhalf, key=lambda h: float(np.nanmean(byhalf[h])))
    data = motions[half]
    start = fit(setup, data, start, rounds=2)
    widths = {w: validate(replace(setup, width=w), data, start) for w in (0.0, *WIDTHS)}
    setup = replace(
        setup, width=min(widths, key=lambda w: float(np.nanmean(widths[w])))
    )
    slip = _best(setup, data, start, [replace(law, slip=s) for s in SLIPS])
    rungs = [replace(law, rung=name) for name in RUNGS]
    rungs += [replace(law, rung="stribeck", fade=f) for f in STRIBECK_VELOCITIES[1:]]
    tried = {r: _tried(setup, data, start, r, slip) for r in rungs}
    chosen = _rippled(replace(setup, laws=_laws(tried, slip)), data, start)
    return Choice(
        motions=[motion_of(log, chain, half) for log in logs],
        half=half,
        setup=chosen,
        native=replace(setup, laws=_laws(_only_native(tried), None)),
        scores={f"{r.rung} {r.fade:g}": float(np.nanmean(e)) for r, e in tried.items()},
    )


def _rippled(setup: Setup, data: list[Motion], start: Model) -> Setup:
    """Return the setup with the ripple of every joint that is better with it."""
    rates = ripple_rates(fit(setup, data, start, rounds=2), data)
    tried = [setup.laws]
    tried += [
        tuple(replace(a, rate=float(r)) for a, r in zip(setup.laws, row, strict=True))
        for row in rates
    ]
    table = np.array([validate(replace(setup, laws=x), data, start) for x in tried])
    best = np.argmin(np.nan_to_num(table), axis=0)
    return replace(setup, laws=tuple(tried[k][j] for j, k in enumerate(best)))


def _tried(
    setup: Setup, data: list[Motion], start: Model, law: Law, slips: tuple[Law, ...]
) -> Floats:
    laws = tuple(replace(law, slip=s.slip) for s in slips)
    chosen = replace(setup, laws=laws)
    return validate(chosen, data, carried(start, chosen))


def _best(
    setup: Setup, data: list[Motion], start: Model, laws: list[Law]
) -> tuple[Law, ...]:
    """Return for each joint the law with the lowest error when all joints have it."""
    table = np.array([_tried(setup, data, start, x, (x,) * setup.n) for x in laws])
    return tuple(laws[k] for k in np.argmin(np.nan_to_num(table), axis=0))


def _only_native(tried: dict[Law, Floats]) -> dict[Law, Floats]:
    return {law: error for law, error in tried.items() if law.rung in NATIVE}


def _laws(tried: dict[Law, Floats], slips: tuple[Law, ...] | None) -> tuple[Law, ...]:
    """Return the rung that is best over all joints, and a joint's own where clear.

    One stretch of data says little about a single joint: it leaves the common rung
    only for one that is better by more than :data:`CLEAR`.
    """
    laws = list(tried)
    table = np.array([tried[law] for law in laws])
    common = int(np.argmin(np.nanmean(table, axis=1)))
    best = np.argmin(np.nan_to_num(table), axis=0)
    clear = table.min(axis=0) < (1 - CLEAR) * table[common]
    chosen = [laws[b if c else common] for b, c in zip(best, clear, strict=True)]
    if slips is None:
        return tuple(replace(law, slip=0.0) for law in chosen)
    return tuple(replace(a, slip=b.slip) for a, b in zip(chosen, slips, strict=True))


def _thinned(log: RunLog, samples: int) -> RunLog:
    """Return the first part of a log that is too long to choose with."""
    if samples <= ENOUGH:
        return log
    keep = max(int(len(log.time) * ENOUGH / samples), 200)
    stop = log.time[min(keep, len(log.time) - 1)]
    return log.crop(float(log.time[0]), float(stop))
