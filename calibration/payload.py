"""Weigh a load from efforts, with drive gains scaled once by a load that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.inertia import (
    factor,
    from_pseudo,
    inertials,
    point_inertial,
    slopes,
    to_pseudo,
)
from forearm.core.log import Floats

from .chain import Chain
from .effort_model import Model
from .gram import weights
from .ladder import columns
from .motion import Motion

RADIUS = 0.08
"""Radius of gyration of a load before it is seen [m]: a hand-sized body."""

FREE = 1.0
"""Prior standard deviation of a load's coordinates: hardly any."""

GAIN_WIDTH = 0.3
"""Prior standard deviation of the logarithm of a drive gain before it is scaled."""

DRIFT = 0.3
"""Standard deviation of friction from log to log, as part of itself: grease warms."""

OFFSET = 0.05
"""The same of an effort offset, as part of the joint's RMS effort."""

BLOCKS = 20
"""Stretches whose disagreement makes the interval."""

STEPS = 30
"""Gauss-Newton steps."""

Z_90 = 1.6448536269514722
"""95 % quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Load:
    """A load at the tool as the efforts tell it."""

    mass: float
    """[kg]."""
    interval: tuple[float, float]
    """90 % interval of the mass [kg]."""
    com: Floats
    """Centre of mass in the tool frame [m], (3,)."""
    gain: Floats
    """Drive gains [Nm per effort unit], (n,)."""
    gain_std: Floats
    """Standard deviation of their logarithm, (n,)."""
    log: str
    """Where it was weighed."""

    def as_json(self) -> dict[str, object]:
        """Return the load for a machine."""
        return {
            "mass": self.mass,
            "interval_90": list(self.interval),
            "com": self.com.tolist(),
            "drive_gain": self.gain.tolist(),
            "log": self.log,
        }


@dataclass(frozen=True)
class _Problem:
    """Columns of the load and of friction per joint, and the unknowns' prior."""

    tables: list[Floats]
    """Per joint (rows, 10 + terms), weighted."""
    rest: list[Floats]
    """Per joint, what the bare arm leaves, weighted, (rows,)."""
    block: list[NDArray[np.int64]]
    """Per joint, the stretch of each row."""
    lower: Floats
    """Factor of the nominal load, (1, 4, 4)."""
    center: Floats
    """Prior mean: load (10), log gains (n), terms."""
    information: Floats
    """One over the prior's variance."""


def weigh(
    model: Model,
    chain: Chain,
    motion: Motion,
    mass: float | None = None,
    gains: Load | None = None,
) -> Load:
    """Estimate the load that ``motion`` carries.

    Args:
        model: the arm without load, fitted to efforts of the same unit.
        chain: the arm.
        motion: a log with a load.
        mass: the load's mass where it is known [kg]; then the gains are scaled.
        gains: the result of a known load, whose gains are taken.

    Raises:
        LimitError: the known mass is not positive.
    """
    if mass is not None and not mass > 0:
        raise LimitError(f"a known load must be positive, got {mass:g} kg")
    problem = _problem(model, chain, motion, mass, gains)
    vector = problem.center.copy()
    for _ in range(STEPS):
        gradient, hessian = _normal(problem, vector)
        step = -np.linalg.solve(
            hessian.sum(axis=0) + np.diag(problem.information),
            gradient.sum(axis=0) + problem.information * (vector - problem.center),
        )
        vector = vector + step * min(1.0, 0.5 / float(np.abs(step[:10]).max()))
        if np.abs(step).max() < 1e-6:
            break
    spread = _spread(problem, vector)
    number = inertials(problem.lower, vector[None, :10])[0]
    seen = _from_tool(number, chain)
    std = 2 * float(np.sqrt(spread[3, 3]))
    half = Z_90 * std
    n = chain.n
    return Load(
        mass=float(number[0]),
        interval=(float(number[0] * np.exp(-half)), float(number[0] * np.exp(half))),
        com=seen,
        gain=np.exp(vector[10 : 10 + n]),
        gain_std=np.sqrt(np.diag(spread)[10 : 10 + n]),
        log=motion.name,
    )


def _from_tool(number: Floats, chain: Chain) -> Floats:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = chain.tool_rotation, chain.tool_position
    back = np.linalg.inv(pose)
    own = from_pseudo(back @ to_pseudo(number) @ back.T)
    return np.asarray(own[1:4] / own[0])


def _problem(
    model: Model, chain: Chain, motion: Motion, mass: float | None, gains: Load | None
) -> _Problem:
    n, guess = chain.n, mass or 1.0
    start = point_inertial(guess, chain.tool_position, guess * RADIUS**2 * np.eye(3))
    gain, width = model.gain, np.full(n, GAIN_WIDTH if model.setup.free_gain else 1e-6)
    if gains is not None:
        gain, width = gains.gain, gains.gain_std
    heavy, _ = weights([motion], _heavier(model, start))
    rigid = motion.rigid(model.inertials) / model.gain
    load = rigid + motion.regressor[:, :, -1] @ start / gain
    tables, rest, block, terms, widths = [], [], [], [], []
    for j, law in enumerate(model.setup.laws):
        use = heavy[0][:, j] > 0
        root = np.sqrt(heavy[0][use, j])
        friction = columns(motion, j, law, load[:, j])[use]
        table = np.hstack([motion.regressor[use, j, -1], friction])
        tables.append(table * root[:, None])
        rest.append((motion.effort[use, j] - rigid[use, j]) * root)
        edges = np.linspace(0, len(use), BLOCKS + 1)
        found = np.searchsorted(edges, np.flatnonzero(use), "right") - 1
        block.append(found.astype(np.int64))
        own = model.vector[model.setup.place(j)]
        size = float(np.sqrt(np.mean(motion.effort[:, j] ** 2)))
        terms.append(own)
        widths.append(np.maximum(DRIFT * np.abs(own), OFFSET * size * 0.1))
        widths[-1][law.terms.index("effort_offset")] = OFFSET * size
    free = np.full(10, FREE)
    if mass is not None:
        free[3] = 1e-6
    prior = np.concatenate([free, width, *widths])
    center = np.concatenate([np.zeros(10), np.log(gain), *terms])
    lower = factor(start[None])
    return _Problem(tables, rest, block, lower, center, 1 / prior**2)


def _heavier(model: Model, load: Floats) -> Model:
    """Return the model with a load, to judge outliers by."""
    welded = model.setup.welded.copy()
    welded[-1] += load
    return Model(replace(model.setup, welded=welded), model.vector)


def _normal(problem: _Problem, vector: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian of each stretch, prior left out."""
    n, size = len(problem.tables), len(vector)
    number = inertials(problem.lower, vector[None, :10])[0]
    slope = slopes(problem.lower, vector[None, :10])[0]
    gradient, hessian = np.zeros((BLOCKS, size)), np.zeros((BLOCKS, size, size))
    start = 10 + n
    for j, table in enumerate(problem.tables):
        gain, count = np.exp(vector[10 + j]), table.shape[1] - 10
        torque = table[:, :10] / gain
        at = np.concatenate([np.arange(10), [10 + j], start + np.arange(count)])
        jac = np.hstack([torque @ slope, -(torque @ number)[:, None], table[:, 10:]])
        own = vector[start : start + count]
        wrong = torque @ number + table[:, 10:] @ own - problem.rest[j]
        for b in range(BLOCKS):
            rows = problem.block[j] == b
            gradient[b, at] += jac[rows].T @ wrong[rows]
            hessian[b][np.ix_(at, at)] += jac[rows].T @ jac[rows]
        start += count
    return gradient, hessian


def _spread(problem: _Problem, vector: Floats) -> Floats:
    """Return the covariance: posterior, and how much stretches disagree."""
    gradient, hessian = _normal(problem, vector)
    inverse = np.linalg.inv(hessian.sum(axis=0) + np.diag(problem.information))
    centred = gradient - gradient.mean(axis=0)
    meat = centred.T @ centred * BLOCKS / (BLOCKS - 1)
    return np.asarray(inverse + inverse @ meat @ inverse)
