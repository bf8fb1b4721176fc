"""The arm as its data sheet has it: what a fit starts from and has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import EffortUnit, Floats, RunLog
from forearm.core.robot import RobotSpec

from .chain import Chain
from .crossval import Choice
from .effort_model import Model, setup_of, start_of
from .ladder import Law
from .motion import motion_of


def first_gain(
    logs: Sequence[RunLog], chain: Chain, robot: RobotSpec, unit: EffortUnit
) -> Floats:
    """Return drive gains at nominal links and free friction, a start for all else."""
    if unit == "Nm":
        return np.ones(robot.n)
    motions = [motion_of(log, chain, 3) for log in logs]
    scale = np.ones(robot.n)
    for j in range(robot.n):
        rows = [m.moving[:, j] for m in motions]
        pairs = list(zip(motions, rows, strict=True))
        torque = [m.rigid(chain.inertials + chain.welded)[r, j] for m, r in pairs]
        table = np.concatenate(
            [
                np.stack([t, m.qacc[r, j], np.sign(m.qvel[r, j]), m.qvel[r, j]], -1)
                for t, (m, r) in zip(torque, pairs, strict=True)
            ]
        )
        effort = np.concatenate([m.effort[r, j] for m, r in pairs])
        if len(effort) > 10 * table.shape[1]:
            slope = np.linalg.lstsq(table, effort, rcond=None)[0][0]
            scale[j] = 1 / slope if slope > 1e-3 else np.nan
    known = scale[np.isfinite(scale)]
    middle = float(np.median(known)) if len(known) else 1.0
    # A joint that hardly bears load says nothing; drives of one arm are alike.
    wrong = ~np.isfinite(scale) | (scale > 5 * middle) | (scale < middle / 5)
    return np.where(wrong, middle, scale)


def nominal_model(
    choice: Choice, robot: RobotSpec, chain: Chain, gain: Floats, unit: EffortUnit
) -> Model:
    """Return the data sheet's arm; for currents with the gain that fits best."""
    setup = setup_of(chain, [Law()] * robot.n, choice.setup.width, gain, unit == "A")
    model = start_of(setup)
    for j, terms in enumerate(setup.terms):
        numbers = {
            name: robot.vector(name)[j] for name in ("armature", "coulomb", "viscous")
        }
        place = setup.place(j)
        model.vector[place] = [numbers.get(name, 0.0) / gain[j] for name in terms]
    if unit == "Nm":
        return model
    for j in range(robot.n):
        rows = [m.moving[:, j] for m in choice.motions]
        pairs = list(zip(choice.motions, rows, strict=True))
        shape = np.concatenate([model.predict(m)[r, j] for m, r in pairs])
        effort = np.concatenate([m.effort[r, j] for m, r in pairs])
        size = float(shape @ shape)
        scale = float(shape @ effort) / size if size else 1.0
        if scale > 0:
            model.vector[10 * robot.n + j] -= np.log(scale)
            model.vector[setup.place(j)] *= scale
    return model
