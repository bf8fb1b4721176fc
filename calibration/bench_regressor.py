"""The case of the calibration bench that times the regressor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from forearm.core.robots import get_robot
from forearm.sim.model import FieldMap, build_model

from .chain import chain_of
from .regressor import regressor

SAMPLES = 30_000
"""Joint states evaluated at once."""


def regressor_speed(folder: Path) -> list[dict[str, Any]]:
    """Time of the regressor beside MuJoCo's inverse dynamics state by state."""
    del folder
    robot = get_robot("ur10e")
    model = build_model(robot)
    chain, fields = chain_of(model, robot), FieldMap(model, robot)
    qpos, qvel, qacc = np.random.default_rng(0).normal(size=(3, SAMPLES, robot.n))
    begin = time.monotonic()
    regressor(chain, qpos, qvel, qacc)
    seconds = time.monotonic() - begin
    data = mujoco.MjData(model)
    begin = time.monotonic()
    for q, v, a in zip(qpos, qvel, qacc, strict=True):
        data.qpos[fields.qpos], data.qvel[fields.dof] = q, v
        data.qacc[fields.dof] = a
        mujoco.mj_inverse(model, data)
    return [
        {
            "data": f"{SAMPLES} random states of a ur10e",
            "model": "regressor, all 60 columns",
            "trained_on": [],
            "held_out": {},
            "unit": "s",
            "seconds": seconds,
            "peer": "mj_inverse, torque only",
            "peer_seconds": time.monotonic() - begin,
        }
    ]
