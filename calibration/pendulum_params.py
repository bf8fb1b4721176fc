"""Params of a servo: values, and how far single logs pull them."""

from __future__ import annotations

from typing import Any

import numpy as np

from forearm.core.log import Floats
from forearm.core.params import Covariance, Params, Provenance, make_params
from forearm.core.robot import RobotSpec

from .pendulum import Bench
from .pendulum_search import Search


def _covariance(search: Search, best: Floats, bench: Bench) -> Floats:
    """Return the covariance of the search's numbers from the scatter between logs.

    Slopes over half a width, so that steps of stiction average out; the sandwich's
    filling is what single logs pull (Huber, 1967), never less than the curvature's.
    """
    size, step = len(best), 0.25
    around = best + np.vstack(
        [np.zeros(size), step * np.eye(size), -step * np.eye(size)]
    )
    rows = bench.at_samples(bench.run(search.values(around)))
    slopes = [(r[1 : size + 1] - r[size + 1 :]).T / (2 * step) for r in rows]
    left = [r[0] - log.position[:, 0] for r, log in zip(rows, bench.logs, strict=True)]
    sigma = float(np.sqrt(np.mean([np.mean(e**2) for e in left])))
    # One log counts as one observation of its mean square error.
    curvature = np.eye(size)
    filling = np.eye(size)
    for slope, error in zip(slopes, left, strict=True):
        share = len(error) * sigma**2
        curvature += slope.T @ slope / share
        pull = slope.T @ error / share
        filling += np.outer(pull, pull) + slope.T @ slope / share
    inverse = np.linalg.inv(curvature)
    return np.asarray(inverse @ filling @ inverse)


def servo_params(
    robot: RobotSpec,
    search: Search,
    best: Floats,
    bench: Bench,
    notes: dict[str, Any],
) -> Params:
    """Return what was fitted, with the covariance from the scatter between logs.

    Args:
        robot: the one-joint robot.
        search: the fitted law.
        best: its numbers.
        bench: the logs it was fitted to.
        notes: what else the file says.
    """
    fitted, covariance = search.values(best[None]), _covariance(search, best, bench)
    step = 1e-4
    moved = search.values(best + step * np.eye(len(best)))
    slopes = np.array([(moved[n][:, 0] - fitted[n][0, 0]) / step for n in search.names])
    matrix = slopes @ covariance @ slopes.T
    matrix = 0.5 * (matrix + matrix.T)
    width = np.sqrt(np.diag(matrix))
    origin: dict[str, Provenance | list[Provenance]] = dict.fromkeys(
        search.names, "measured"
    )
    return make_params(
        robot,
        {name: fitted[name][0] for name in search.names},
        origin,
        {name: width[i : i + 1] for i, name in enumerate(search.names)},
        covariance=Covariance(
            names=[f"{name}[0]" for name in search.names], matrix=matrix.tolist()
        ),
        notes=notes,
    )
