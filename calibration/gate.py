"""The held-out gate: a joint never leaves the fit worse than it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forearm.core.log import Floats

from .effort_model import Model, carried
from .linear import fit
from .motion import Motion
from .score import errors


def gated(
    found: Model, nominal: Model, train: Sequence[Motion], held: Sequence[Motion]
) -> tuple[Model, list[str]]:
    """Return the model with every joint that loses on held-out data put back.

    First the links go back to the data sheet and everything else is fitted again;
    a joint that still loses keeps its nominal gain and friction.

    Args:
        found: the fit.
        nominal: what it has to beat, joint by joint.
        train: logs to refit to.
        held: logs that judge.

    Returns:
        The model, and what was put back in sentences.
    """
    bound = errors(nominal, held)
    worse = _worse(found, bound, held)
    if not worse.any():
        return found, []
    fixed = replace(found.setup, width=0.0)
    start = carried(found, fixed)
    start.vector[: 10 * fixed.n] = 0.0
    model = fit(fixed, train, start)
    said = ["link inertials keep nominal values: with them a joint was worse held out"]
    model = Model(replace(found.setup), model.vector)
    for j in np.flatnonzero(_worse(model, bound, held)):
        said.append(
            f"joint {j + 1} keeps nominal values: its fit predicts the held-out data "
            "worse than nominal"
        )
        model = _put_back(model, nominal, int(j))
    return model, said


def _worse(model: Model, bound: Floats, held: Sequence[Motion]) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(errors(model, held) > bound)


def _put_back(model: Model, nominal: Model, joint: int) -> Model:
    vector, setup = model.vector.copy(), model.setup
    vector[10 * setup.n + joint] = nominal.vector[10 * setup.n + joint]
    terms = setup.terms[joint]
    vector[setup.place(joint)] = [nominal.term(name)[joint] for name in terms]
    laws = list(setup.laws)
    laws[joint] = replace(laws[joint], slip=0.0)
    return Model(replace(setup, laws=tuple(laws)), vector)
