"""Calibrate a servo from logs of a pendulum bench, open loop over whole logs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec

from .pendulum import Bench, bench_header
from .pendulum_native import project
from .pendulum_params import servo_params
from .pendulum_search import RELATIVE, SHARED, STRIBECK_VELOCITY, Search
from .result import UNIT, Result
from .windows import Window

RUNGS = ("load_friction", "load_quadratic", "stribeck")
"""Friction beyond Coulomb and viscous, in the order they are tried."""

WORTH = 0.9
"""A rung must bring the error on the training logs below this part."""

MEASURE = "mean absolute position over each whole log, open loop from the command"


def is_bench(logs: Sequence[RunLog]) -> bool:
    """Return whether the logs come from a servo bench."""
    return bool(logs) and all("kp" in log.meta.get("header", {}) for log in logs)


def calibrate_bench(
    logs: list[RunLog],
    robot: RobotSpec,
    holdout: float,
    held_logs: Sequence[RunLog],
) -> Result:
    """Fit motor, friction, delay and offset of one servo to whole logs, open loop.

    Args:
        logs: bench logs; the last ones judge where ``held_logs`` is empty.
        robot: the one-joint robot.
        holdout: part of the logs that judges where ``held_logs`` is empty.
        held_logs: logs that only give the error.

    Raises:
        ForearmError: nothing is left to judge, or a log's header lacks a number.
    """
    begin = time.monotonic()
    logs, held_logs = _divide(logs, holdout, held_logs)
    bench, judge = Bench(logs), Bench(held_logs)
    search, best, findings = _climb(robot, bench)
    native = project(robot, logs, search, best)
    fitted = search.values(best[None])
    sets = _beside_nominal(robot, fitted)
    asked = [bench_header(log)["kp"] for log in held_logs]
    errors = 1e3 * np.vstack([judge.errors(sets), native.errors(judge, asked)])
    before, after, bare = errors.mean(axis=1).tolist()
    notes: dict[str, Any] = {
        "logs": [str(log.meta.get("source", "in memory")) for log in logs],
        "held_out": {"before": before, "after": after, "unit": UNIT},
        "mujoco_native": native.table(),
        "mujoco_native_held_out": bare,
    }
    rungs = [name for name in RUNGS if name in search.names]
    return Result(
        robot=robot,
        params=servo_params(robot, search, best, bench, notes),
        before=before,
        after=after,
        per_joint={robot.joint_names[0]: {"before": before, "after": after}},
        findings=[*findings, *_said(logs, before, bare)],
        unidentifiable=[],
        held=[_window(log) for log in judge.logs],
        simulated=_signals(judge, sets),
        seconds=time.monotonic() - begin,
        measure=MEASURE,
        per_log=_per_log(judge, errors),
        friction=" + ".join(["coulomb", "viscous", *rungs]),
    )


def _divide(
    logs: list[RunLog], holdout: float, held_logs: Sequence[RunLog]
) -> tuple[list[RunLog], Sequence[RunLog]]:
    if held_logs:
        return logs, held_logs
    count = max(1, math.ceil(holdout * len(logs)))
    if count >= len(logs):
        raise ForearmError("a servo bench needs a second log that only judges")
    return logs[:-count], logs[-count:]


def _beside_nominal(robot: RobotSpec, fitted: dict[str, Floats]) -> dict[str, Floats]:
    """Return two sets: the data sheet's values, and the fitted ones."""
    nominal = {name: robot.vector(name)[:, None] for name in RELATIVE}
    sets = {
        name: np.vstack([nominal.get(name, np.zeros((1, 1))), value])
        for name, value in fitted.items()
    }
    return {**sets, "stribeck_velocity": np.full((2, 1), STRIBECK_VELOCITY)}


def _per_log(judge: Bench, errors: Floats) -> dict[str, dict[str, float]]:
    names = [str(log.meta.get("source", "log")) for log in judge.logs]
    return {
        name: dict(zip(("before", "after", "native"), column, strict=True))
        for name, column in zip(names, errors.T.tolist(), strict=True)
    }


def _said(logs: list[RunLog], before: float, native: float) -> list[str]:
    gains = sorted({bench_header(log)["kp"] for log in logs})
    return [
        f"fitted on P gains {', '.join(f'{g:g}' for g in gains)}",
        f"best plain MuJoCo values (notes.mujoco_native): {native:.1f} {UNIT} "
        f"held out, {before:.1f} {UNIT} with the data sheet's",
    ]


def _climb(robot: RobotSpec, bench: Bench) -> tuple[Search, Floats, list[str]]:
    """Add rungs of friction while the training logs gain by more than a tenth."""
    search = Search(robot, (*SHARED, *RUNGS[:2]))
    best, error = search.fit(bench)
    said = [f"{' and '.join(RUNGS[:2])} leave {1e3 * error:.1f} {UNIT} on the fit"]
    for i in (1, 0):
        # Rungs are left again where the logs do as well without.
        less = Search(robot, (*SHARED, *RUNGS[:i]))
        kept = np.delete(best, np.arange(len(less.names), len(best)))
        if error < WORTH * float(bench.errors(less.values(kept[None])).mean()):
            break
        search, (best, error) = less, less.fit(bench)
    return search, best, said


def _window(log: RunLog) -> Window:
    start, rest = log.position[0], np.zeros(1)
    rows = slice(0, len(log.time))
    return Window(log, float(log.time[0]), start, rest, np.ones(2), rows)


def _signals(bench: Bench, sets: dict[str, Floats]) -> list[Floats]:
    """Return (nominal and calibrated, [position, velocity, torque], samples, 1)."""
    found = []
    for rows, log in zip(bench.at_samples(bench.run(sets)), bench.logs, strict=True):
        speed = np.gradient(rows, log.time, axis=1)
        none = np.full_like(rows, np.nan)
        found.append(np.stack([rows, speed, none], axis=1)[..., None])
    return found
