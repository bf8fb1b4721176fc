"""From a fitted vector to params: Nm and SI, provenance, covariance."""

from __future__ import annotations

import numpy as np

from forearm.core.inertia import COORDINATES
from forearm.core.log import EffortUnit, Floats
from forearm.core.params import KINDS, Covariance, Params, Provenance, make_params
from forearm.core.robot import RobotSpec

from .effort_model import Model
from .ladder import TERMS
from .motion import Flags

NARROWER = 0.7
"""Posterior over prior width from which on the logs have said nothing of a link."""

COMMON = 0.1
"""Standard deviation of the logarithm of the common scale of all gains, frictions and
masses where the effort is a current and no load is known: what a data sheet's masses
are trusted to."""


def labels(model: Model) -> list[str]:
    """Return the params name of every unknown, ``param[index]``."""
    n = model.setup.n
    out = [f"{name}[{i}]" for i in range(n) for name in COORDINATES]
    out += [f"drive_gain[{j}]" for j in range(n)]
    for j, terms in enumerate(model.setup.terms):
        out += [f"{name}[{j}]" for name in terms]
    return out


def natural(model: Model) -> Floats:
    """Return every unknown in the unit of :data:`forearm.core.params.KINDS`."""
    out = model.vector.copy()
    n = model.setup.n
    out[10 * n : 11 * n] = model.gain
    for j, terms in enumerate(model.setup.terms):
        scale = [1.0 if name == "load_friction" else model.gain[j] for name in terms]
        out[model.setup.place(j)] *= scale
    return out


def jacobian(model: Model) -> Floats:
    """Return the derivative of :func:`natural`, (size, size)."""
    n, values = model.setup.n, natural(model)
    out = np.eye(len(values))
    for j, terms in enumerate(model.setup.terms):
        gain, place = 10 * n + j, model.setup.place(j)
        out[gain, gain] = model.gain[j]
        for k, name in zip(range(place.start, place.stop), terms, strict=True):
            if name != "load_friction":
                out[k, k], out[k, gain] = model.gain[j], values[k]
    return out


def identified(model: Model, spread: Floats) -> Flags:
    """Return which unknowns the logs have narrowed down, (size,)."""
    n, width = model.setup.n, model.setup.width
    out = np.ones(model.setup.size, np.bool_)
    std = np.sqrt(np.diag(spread)[: 10 * n])
    out[: 10 * n] = (std < NARROWER * width) if width else False
    out[10 * n : 11 * n] = model.setup.free_gain
    return out


def natural_params(
    robot: RobotSpec,
    model: Model,
    spread: Floats,
    unit: EffortUnit,
    kept: list[str],
    scale: float = COMMON,
) -> tuple[Params, Flags]:
    """Return params, and which unknowns are known.

    Args:
        robot: the arm.
        model: the fit after the gate.
        spread: covariance of the fitted vector.
        unit: unit of the effort.
        kept: what the gate has put back.
        scale: standard deviation of the logarithm of the common scale of gains,
            frictions and masses; that of a data sheet where no load is known.
    """
    known = identified(model, spread)
    if any(line.startswith("link inertials") for line in kept):
        known[: 10 * robot.n] = False
    turn, values = jacobian(model), natural(model)
    matrix = turn @ spread @ turn.T
    if unit == "A":
        matrix += scale**2 * np.outer(*(_common(model, values),) * 2)
    names = labels(model)
    std = np.sqrt(np.diag(matrix))
    arrays = natural_values(robot, model)
    widths = {name: np.zeros(robot.n) for name in arrays}
    origins: dict[str, Provenance | list[Provenance]] = {}
    for name in arrays:
        origin: list[Provenance] = ["guess"] * robot.n
        for j in range(robot.n):
            if f"{name}[{j}]" in names:
                k = names.index(f"{name}[{j}]")
                widths[name][j] = std[k]
                origin[j] = "measured" if known[k] else "guess"
        origins[name] = origin
    if unit == "A" and scale >= COMMON:
        origins["drive_gain"] = "guess"
    covariance = Covariance(
        names=[label for label, k in zip(names, known, strict=True) if k],
        matrix=_symmetric(matrix[np.ix_(known, known)]).tolist(),
    )
    return make_params(robot, arrays, origins, widths, covariance=covariance), known


def natural_values(robot: RobotSpec, model: Model) -> dict[str, Floats]:
    """Return the values of a model by params name, within what a param may be."""
    found = dict(zip(labels(model), natural(model), strict=True))
    out = {}
    for name in ("drive_gain", *TERMS, *COORDINATES):
        rows = [found.get(f"{name}[{j}]", 0.0) for j in range(robot.n)]
        if any(f"{name}[{j}]" in found for j in range(robot.n)):
            out[name] = np.clip(rows, KINDS[name].minimum, KINDS[name].maximum)
    out["friction_slip"] = np.array([law.slip for law in model.setup.laws])
    if any(law.rate for law in model.setup.laws):
        out["effort_ripple_rate"] = np.array([law.rate for law in model.setup.laws])
    out["stribeck_velocity"] = np.array([law.fade for law in model.setup.laws])
    return out


def _symmetric(matrix: Floats) -> Floats:
    return np.asarray((matrix + matrix.T) / 2)


def _common(model: Model, values: Floats) -> Floats:
    """Return the direction in which gains, friction and masses grow alike."""
    n = model.setup.n
    out = values.copy()
    # Coordinates are of the root of what the masses are, four as logarithms.
    out[: 10 * n] *= 0.5
    out[: 10 * n].reshape(n, 10)[:, :4] = 0.5
    for j, terms in enumerate(model.setup.terms):
        if "load_friction" in terms:
            out[model.setup.place(j).start + terms.index("load_friction")] = 0.0
    return out
