"""From what a calibration knows to a randomization: narrow, wide and physical."""

from __future__ import annotations

import dataclasses

import numpy as np

from forearm.core.inertia import COORDINATES
from forearm.core.params import KINDS, Covariance, Param, Params, nominal_values
from forearm.core.robot import RobotSpec
from forearm.sim.distribution import Floats
from forearm.sim.posterior import Posterior
from forearm.sim.presets import PRESETS
from forearm.sim.quantities import QUANTITIES
from forearm.sim.randomization import Randomization
from forearm.sim.randomization_file import from_params

REACH = 3.0
"""Standard deviations around the mean that are drawn."""

SMALLEST, LARGEST = 0.1, 10.0
"""Drawn values stay within these multiples of mean and nominal: a servo without gain
or a joint without inertia is no arm."""

SILENT = frozenset(
    {
        "drive_gain",
        "effort_offset",
        "effort_ripple_cos",
        "effort_ripple_sin",
        "effort_ripple_rate",
    }
)
"""Quantities of a measured effort: they move no simulated arm, so none is drawn."""

SETTLED = 1e-6
"""A quantity whose values are all nominal to this, in its unit and as a share, does not
vary: a fit that holds links to the data sheet leaves their shape no width at all."""

POSITIVE = ("kp", "kv", "torque_scale", "armature", "link_mass_scale")
"""Quantities that cannot be zero."""


def posterior_randomization(params: Params, robot: RobotSpec) -> Randomization:
    """Return correlated draws of what was fitted, wide draws of all the rest.

    Measured values follow their joint covariance, fitted values that stayed a guess
    their prior's width; both are cut off at three standard deviations and at what is
    physical. Quantities the params do not hold vary as in the preset ``wide``.

    Raises:
        LimitError: the params hold neither covariance nor standard deviations.
        MismatchError: the params belong to another robot.
    """
    params.check_robot(robot)
    nominal = nominal_values(robot)
    known = set(params.params)
    params = _moving(params, nominal)
    found = from_params(params, f"posterior of {params.robot}")
    posterior = found.posterior
    assert posterior is not None
    mean = np.array(posterior.mean)
    std = np.sqrt(np.diag(posterior.covariance))
    low, high = mean - REACH * std, mean + REACH * std
    for quantity, (index, place) in posterior.places.items():
        kind = KINDS[quantity]
        low[place] = np.maximum(low[place], kind.minimum)
        high[place] = np.minimum(high[place], kind.maximum)
        if quantity in POSITIVE:
            usual = nominal[quantity][index]
            least = SMALLEST * np.minimum(mean[place], usual)
            most = LARGEST * np.maximum(mean[place], usual)
            low[place] = np.maximum(low[place], least)
            high[place] = np.minimum(high[place], most)
    kept = dataclasses.replace(
        posterior, low=tuple(low.tolist()), high=tuple(high.tolist())
    )
    if known & set(COORDINATES):
        # A link's coordinates hold its mass, which must not be varied twice.
        known.add("link_mass_scale")
    wide = {
        name: term
        for name, term in PRESETS["wide"].terms.items()
        if name in QUANTITIES and name not in known
    }
    return Randomization(wide, _checked(kept), found.name, robot.name)


def _moving(params: Params, nominal: dict[str, Floats]) -> Params:
    """Return the params without what moves nothing or cannot move."""
    kept = {
        n: p
        for n, p in params.params.items()
        if n not in SILENT and not _settled(p, nominal[n])
    }
    covariance = params.covariance
    if covariance is not None:
        index = [
            i for i, name in enumerate(covariance.names) if name.split("[")[0] in kept
        ]
        matrix = np.array(covariance.matrix)[np.ix_(index, index)]
        names = [covariance.names[i] for i in index]
        covariance = Covariance(names=names, matrix=matrix.tolist()) if names else None
    return params.model_copy(update={"params": kept, "covariance": covariance})


def _settled(found: Param, nominal: Floats) -> bool:
    """Return whether a quantity is nominal and known too well to vary."""
    if not found.std:
        return False
    value = np.array(found.value)
    least = SETTLED * np.maximum(np.abs(nominal), 1.0)
    apart = np.abs(value - nominal)
    return bool(((np.array(found.std) <= least) & (apart <= least)).all())


def _checked(posterior: Posterior) -> Posterior:
    """Return the posterior with bounds that hold its mean."""
    mean = np.array(posterior.mean)
    low = np.minimum(np.array(posterior.low), mean)
    high = np.maximum(np.array(posterior.high), mean)
    return dataclasses.replace(
        posterior, low=tuple(low.tolist()), high=tuple(high.tolist())
    )
