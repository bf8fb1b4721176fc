"""Cases of the calibration bench that replay commands: a servo, hidden plants."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.log_io import read_log
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec, per_joint

from .calibrate import calibrate
from .excite import Planner
from .peer_sysid import sysid_servo
from .pendulum import Bench
from .record import record_path
from .result import UNIT, Result

PLANTS = 50
"""Hidden plants per run; each takes about 20 s of processor time."""

SECONDS = 45.0
"""Length of each motion [s]."""

TRIED = 60
"""Motions tried for each plant."""

NINETY = 1.6449
"""Half width of a 90 % interval in standard deviations."""

NATIVE_LAW = "coulomb + viscous + torque limit, plain MuJoCo"
"""What plain MuJoCo can simulate of a servo."""

RELATIVE = ("kp", "kv", "armature", "viscous", "coulomb", "payload_mass")
"""Parameters whose error is told as a part of the truth."""

Case = dict[str, Any]


def xl330_servo(folder: Path) -> list[Case]:
    """Fit P gains 100 and 800, predict 200: with the ladder and plain MuJoCo."""
    robot = get_robot("xl330")
    paths = sorted((folder / "xl330" / "logs").glob("kp*.json*"))
    held = [p for p in paths if p.name.startswith("kp200_")]
    fitted = [p for p in paths if p.name.startswith(("kp100_", "kp800_"))]
    if not held or not fitted:
        return []
    logs = [read_log(p, robot) for p in fitted]
    cpu = time.process_time()
    result = calibrate(logs, robot, held_logs=[read_log(p, robot) for p in held])
    cpu = time.process_time() - cpu
    names = [p.name.split(".")[0] for p in held]
    shared = {
        "data": "xl330",
        "trained_on": [p.name.split(".")[0] for p in fitted],
        "unit": f"{UNIT}, mean absolute over 6 s",
        "seconds": result.seconds,
        "cpu_seconds": cpu,
    }
    cases: list[Case] = [
        {
            **shared,
            "model": model,
            "held_out": {
                name: row[key]
                for name, row in zip(names, result.per_log.values(), strict=True)
            },
        }
        for model, key in (
            (result.friction, "after"),
            (NATIVE_LAW, "native"),
            ("data sheet", "before"),
        )
    ]
    cases[1] |= _beside_sysid(robot, logs, [read_log(p, robot) for p in held], names)
    return cases


def _beside_sysid(
    robot: RobotSpec, logs: list[RunLog], held: list[RunLog], names: list[str]
) -> Case:
    """Return the peer's error on the same logs; the reason where it cannot run."""
    cpu = time.process_time()
    try:
        values, seconds = sysid_servo(robot, logs)
    except ForearmError as why:
        return {"peer": str(why)}
    errors = 1e3 * Bench(held).errors(values)[0]
    return {
        "peer": "mujoco.sysid, the same parameters",
        "peer_error": dict(zip(names, errors.tolist(), strict=True)),
        "peer_seconds": seconds,
        "peer_cpu_seconds": time.process_time() - cpu,
    }


def hidden_plants(folder: Path, plants: int = PLANTS) -> list[Case]:
    """Recover the truth of simulated plants and count what the intervals hold.

    Each plant follows a motion that ``forearm excite`` plans, another one for each. The
    worst error over the plants is told.

    Args:
        folder: of recorded logs, not needed.
        plants: how many.
    """
    del folder
    robot = get_robot("ur5e")
    planner = Planner(robot, seconds=SECONDS)
    worst: dict[str, float] = {}
    inside: list[bool] = []
    seconds = []
    for seed in range(plants):
        spec = random_plant(robot, seed)
        rng = np.random.default_rng(1000 + seed)
        log = record_path(robot, spec, planner.optimize(rng, TRIED).motion[0], rng)
        begin = time.monotonic()
        result = calibrate([log], robot)
        seconds.append(time.monotonic() - begin)
        for name, (error, hit) in judge_plant(result, spec, robot).items():
            worst[name] = max(worst.get(name, 0.0), error)
            inside += hit
    trained = f"{plants} random plants, {SECONDS:g} s each"
    shared = {"data": "ur5e plants", "trained_on": trained, "seconds": max(seconds)}
    return [
        {
            **shared,
            "model": "truth recovery, worst error",
            "held_out": worst,
            "unit": "relative for kp, kv, friction, armature and mass; SI for the rest",
        },
        {
            **shared,
            "model": "90 % intervals",
            "held_out": {"coverage": float(np.mean(inside))},
            "unit": "part of the true values inside",
        },
    ]


def random_plant(robot: RobotSpec, seed: int) -> PlantSpec:
    """Return a plant that differs from nominal in all that is fitted."""
    rng = np.random.default_rng(seed)
    nominal = nominal_values(robot)
    factors = {"kp": 0.25, "kv": 0.25, "armature": 0.4, "viscous": 0.5, "coulomb": 0.5}
    params = {
        name: (nominal[name] * np.exp(rng.uniform(-f, f, robot.n))).tolist()
        for name, f in factors.items()
    }
    return PlantSpec.model_validate(
        {
            "params": params,
            "command_delay": {"mean": rng.uniform(0.005, 0.04)},
            "sensor": {"noise": 1e-4, "velocity_noise": 2e-3},
            "payload": {
                "mass": rng.uniform(0.5, 3.0),
                "com": [*rng.uniform(-0.03, 0.03, 2), rng.uniform(0.0, 0.1)],
            },
            "base_tilt": rng.uniform(-0.03, 0.03, 2).tolist(),
            "seed": seed,
        }
    )


def _truth(spec: PlantSpec, robot: RobotSpec) -> dict[str, Floats]:
    """Return the plant's values, also what its file tells outside its params."""
    truth = spec.values(robot)
    truth["command_delay"] = truth["command_delay"] + spec.command_delay.mean
    offset = per_joint(spec.sensor.offset, robot.n, "sensor.offset")
    # As the plant does: its own offset replaces that of its params.
    if offset.any():
        truth["encoder_offset"] = offset
    return truth


def judge_plant(
    result: Result, spec: PlantSpec, robot: RobotSpec
) -> dict[str, tuple[float, list[bool]]]:
    """Return the largest error and which true values the intervals hold, by name."""
    truth = _truth(spec, robot)
    found = {}
    for name, param in result.params.params.items():
        if name.endswith("_noise") or param.std is None:
            continue
        error = np.abs(np.array(param.value) - truth[name])
        hit = (error < NINETY * np.array(param.std)).tolist()
        size = error / truth[name] if name in RELATIVE else error
        found[name] = (float(size.max()), hit)
    return found
