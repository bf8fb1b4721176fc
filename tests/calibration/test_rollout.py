"""A rollout under friction MuJoCo has no field for moves as the stand-in does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forearm.calibration.rollout import Rollout
from forearm.calibration.windows import cut, noise_scales
from forearm.core.log import RunLog
from forearm.core.params import nominal_values
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
NOMINAL = nominal_values(ROBOT)
LADDER = {"load_friction": np.full(6, 0.25), "stribeck": np.full(6, 3.0)}


def test_load_and_stribeck_friction_slow_a_rollout_as_they_slow_the_stand_in(
    record: Callable[..., RunLog],
) -> None:
    friction = {"load_dependent": 0.25, "stribeck": 3.0, "stribeck_velocity": 0.1}
    log = record(3.0, PlantSpec.model_validate({"friction": friction}), seed=0)
    scales = noise_scales([log], ROBOT.vector("effort"))
    windows = cut(log, 1.0, 2.5, scales, 3)
    rollout = Rollout(ROBOT, windows, scales, 2)
    values = {**NOMINAL, "stribeck_velocity": np.full(6, 0.1)}
    off = []
    for found, window in zip(
        rollout.simulate([values, {**values, **LADDER}]), windows, strict=True
    ):
        error = found[:, 0] - window.log.position[window.rows]
        off.append(np.sqrt(np.mean(error**2, axis=(1, 2))))
    without, with_it = np.mean(off, axis=0)
    # The rest is the time step in which a stuck joint lets go.
    assert with_it < 0.2 * without
