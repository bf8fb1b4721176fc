"""The links on the page: mass and centre of mass, data sheet against fit."""

from __future__ import annotations

import numpy as np

from forearm.core.inertia import inertials
from forearm.core.log import Floats

from .effort import EffortResult
from .page import Page

DRAWS = 200
"""Draws that the intervals are counted from."""


def add_links(page: Page, result: EffortResult) -> None:
    """Add mass and centre of mass of each link with 90 % intervals.

    The intervals are quantiles of draws of the fitted coordinates, which are always a
    body that can exist; the common scale that currents leave open is not in them.
    """
    n, setup = result.robot.n, result.model.setup
    rng = np.random.default_rng(0)
    spread = result.spread[: 10 * n, : 10 * n]
    if not result.model.vector[: 10 * n].any():
        page.note("Link inertials are the data sheet's: no joint gained by others.")
        return
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    moves = rng.standard_normal((DRAWS, 10 * n)) @ root.T
    theta = (result.model.vector[: 10 * n] + moves).reshape(DRAWS, n, 10)
    drawn = np.stack([_body(inertials(setup.lower, t)) for t in theta])
    fitted = _body(inertials(setup.lower, result.model.theta))
    sheet = _body(inertials(setup.lower, np.zeros((n, 10))))
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    rows = []
    for j, joint in enumerate(result.robot.joint_names):
        for k, name in enumerate(("mass [kg]", "x [mm]", "y [mm]", "z [mm]")):
            ends = f"{low[j, k]:.4g} … {high[j, k]:.4g}"
            rows.append(
                [joint, name, f"{sheet[j, k]:.4g}", f"{fitted[j, k]:.4g}", ends]
            )
    page.table(
        ["joint", "what", "data sheet", "fitted", "90 % interval"],
        rows,
        folded="Mass and centre of mass of the link behind each joint",
    )


def _body(rows: Floats) -> Floats:
    """Return mass [kg] and centre of mass [mm] of ten numbers per link, (n, 4)."""
    mass = rows[:, :1]
    return np.hstack([mass, 1e3 * rows[:, 1:4] / mass])
