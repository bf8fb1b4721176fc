"""The common scale of gains, frictions and masses, from a log with a known load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forearm.core.log import Floats

from .effort import EffortResult
from .effort_model import Model
from .identifiability import NO_SCALE
from .natural import natural_params
from .payload import Z_90, Load


def scaled(result: EffortResult, load: Load) -> EffortResult:
    """Return a fit to currents in the scale that a known load gives its gains.

    Currents alone leave one factor open by which all gains, frictions and masses may be
    larger; the load's weight closes it. What the model predicts in currents stays the
    same, so do errors and what the gate kept.

    Args:
        result: the fit; one to torques, whose gains are given, is returned as it is.
        load: a load of known mass, weighed with ``result``'s model.
    """
    if not result.model.setup.free_gain:
        return result
    n = result.robot.n
    fit = np.diag(result.spread)[10 * n : 11 * n]
    weight = 1.0 / (fit + load.gain_std**2)
    common, std = _mean(np.log(load.gain / result.model.gain), weight)
    model = _grown(result.model, common)
    params, _ = natural_params(
        result.robot, model, result.spread, "A", result.kept, scale=std
    )
    params.notes.update(result.params.notes)
    params.notes["scale"] = {"factor": float(np.exp(common)), "log": load.log}
    native = np.log(load.gain / result.native.gain)
    factor, half = np.exp(common), Z_90 * std * np.exp(common)
    sentence = (
        f"by {load.mass:g} kg in {load.log} gains, frictions and masses are "
        f"{factor:.3f} +-{half:.3f} times what the data sheet's masses make them"
    )
    return replace(
        result,
        params=params,
        model=model,
        fitted=_grown(result.fitted, common),
        native=_grown(result.native, _mean(native, weight)[0]),
        findings=[*result.findings, sentence],
        unidentifiable=[s for s in result.unidentifiable if s != NO_SCALE],
    )


def _mean(values: Floats, weight: Floats) -> tuple[float, float]:
    """Return the weighed mean and its standard deviation, wider where values differ."""
    mean = float(weight @ values / weight.sum())
    scatter = float(weight @ (values - mean) ** 2) / max(len(values) - 1, 1)
    return mean, float(np.sqrt(max(scatter, 1.0) / weight.sum()))


def _grown(model: Model, common: float) -> Model:
    """Return the model with gains and masses larger by one factor [logarithm]."""
    n, vector = model.setup.n, model.vector.copy()
    # Coordinates are of the root of what the masses are, four as logarithms; friction
    # is in units of effort.
    links = vector[: 10 * n].reshape(n, 10)
    links[:, :4] += 0.5 * common
    links[:, 4:] *= np.exp(0.5 * common)
    vector[10 * n : 11 * n] += common
    return Model(model.setup, vector)
