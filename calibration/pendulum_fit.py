"""Calibrate a servo from logs of a pendulum bench, open loop over whole logs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.params import Covariance, Params, Provenance, make_params
from forearm.core.robot import RobotSpec

from .evolve import evolve
from .pendulum import Bench, bench_header
from .result import UNIT, Result
from .windows import Window

START = {
    "kp": (1.0, 0.2),
    "kv": (1.0, 0.4),
    "armature": (1.5, 0.3),
    "viscous": (0.008, 0.5),
    "coulomb": (0.012, 0.5),
    "command_delay": (0.004, 0.004),
    "encoder_offset": (0.0, 0.005),
    "load_friction": (0.2, 0.5),
    "load_quadratic": (0.1, 0.7),
    "stribeck": (0.01, 0.7),
}
"""Centre and width of the search. Of kp, kv and armature the centre is a factor on
nominal; widths are of the logarithm but for delay [s] and offset [rad]."""

RELATIVE = ("kp", "kv", "armature")

LINEAR = ("command_delay", "encoder_offset")

NATIVE = tuple(START)[:7]
"""What plain MuJoCo has fields for."""

RUNGS = ("load_friction", "load_quadratic", "stribeck")
"""Friction beyond Coulomb and viscous, in the order they are tried."""

STRIBECK_VELOCITY = 0.3
"""Held: no log says it beside the rest [rad/s]."""

GENERATIONS, POPULATION, SEED = 40, 20, 0
"""Effort of one search; twice as many change the error by less than 1 mrad."""

WORTH = 0.9
"""A rung must bring the error on the training logs below this part."""

WIDE = 0.06
"""Prior: a whole width from the centre costs this part of the error."""

GAINS = 4
"""Firmware gains the native projection is made for, over the range of the logs."""

MEASURE = "mean absolute position over each whole log, open loop from the command"


def is_bench(logs: Sequence[RunLog]) -> bool:
    """Return whether the logs come from a servo bench."""
    return bool(logs) and all("kp" in log.meta.get("header", {}) for log in logs)


class _Search:
    """One friction law: what is free and how numbers of order one become values."""

    def __init__(self, robot: RobotSpec, names: Sequence[str]) -> None:
        self.names, self._robot = tuple(names), robot

    def values(self, x: Floats) -> dict[str, Floats]:
        """Return values (sets, 1) of ``x`` (sets, size)."""
        found = {}
        for i, name in enumerate(self.names):
            center, width = START[name]
            if name in RELATIVE:
                center = center * float(self._robot.vector(name)[0])
            linear = name in LINEAR
            value = (
                center + width * x[:, i] if linear else center * np.exp(width * x[:, i])
            )
            found[name] = np.maximum(value, 0.0) if name == "command_delay" else value
        if "stribeck" in found:
            found["stribeck_velocity"] = np.full(len(x), STRIBECK_VELOCITY)
        return {name: value[:, None] for name, value in found.items()}

    def fit(self, bench: Bench) -> tuple[Floats, float]:
        """Return the best numbers and the mean error over the bench's logs [rad]."""

        def cost(x: Floats) -> Floats:
            error = bench.errors(self.values(x)).mean(axis=1)
            return np.asarray(error * (1 + WIDE * (x**2).mean(axis=1)))

        rng = np.random.default_rng(SEED)
        best = evolve(cost, len(self.names), GENERATIONS, POPULATION, rng)
        return best, float(bench.errors(self.values(best[None])).mean())


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
    native, native_best = _project(robot, logs, search, best)
    plain = native.values(native_best[None])
    fitted = search.values(best[None])
    sets = _beside_nominal(robot, fitted)
    errors = 1e3 * np.vstack([judge.errors(sets), judge.errors(plain)])
    before, after, bare = errors.mean(axis=1).tolist()
    notes: dict[str, Any] = {
        "logs": [str(log.meta.get("source", "in memory")) for log in logs],
        "held_out": {"before": before, "after": after, "unit": UNIT},
        "mujoco_native": {name: float(v[0, 0]) for name, v in plain.items()},
        "mujoco_native_held_out": bare,
    }
    rungs = [name for name in RUNGS if name in search.names]
    return Result(
        robot=robot,
        params=_params(robot, search, best, bench, notes),
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


def _climb(robot: RobotSpec, bench: Bench) -> tuple[_Search, Floats, list[str]]:
    """Add rungs of friction while the training logs gain by more than a tenth."""
    search = _Search(robot, (*NATIVE, *RUNGS[:2]))
    best, error = search.fit(bench)
    said = [f"{' and '.join(RUNGS[:2])} leave {1e3 * error:.1f} {UNIT} on the fit"]
    for i in (1, 0):
        # Rungs are left again where the logs do as well without.
        less = _Search(robot, (*NATIVE, *RUNGS[:i]))
        kept = np.delete(best, np.arange(len(less.names), len(best)))
        if error < WORTH * float(bench.errors(less.values(kept[None])).mean()):
            break
        search, (best, error) = less, less.fit(bench)
    return search, best, said


def _project(
    robot: RobotSpec, logs: list[RunLog], search: _Search, best: Floats
) -> tuple[_Search, Floats]:
    """Return the plain MuJoCo model nearest to the fitted one over a range of gains.

    A wrong model fits the logged gains at the cost of those between them; the fitted
    law says what motion to expect there.
    """
    gains = sorted({bench_header(log)["kp"] for log in logs})
    headers = {str(log.meta.get("header")): log for log in logs}
    lowest = [log for log in headers.values() if bench_header(log)["kp"] == gains[0]]
    grid = np.geomspace(gains[0], gains[-1], GAINS)
    chosen = [log for log in lowest for _ in grid]
    wide = Bench(chosen, [float(g) for _ in lowest for g in grid])
    rows = wide.at_samples(wide.run(search.values(best[None])))
    wide.aim([r[0] for r in rows])
    native = _Search(robot, NATIVE)
    return native, native.fit(wide)[0]


def _covariance(search: _Search, best: Floats, bench: Bench) -> Floats:
    """Return the covariance of the search's numbers from the scatter between logs.

    Slopes over half a width, so that steps of stiction average out; the sandwich's
    filling is what single logs pull (Huber, 1967), never less than the curvature's.
    """
    size, step = len(best), 0.25
    around = best + np.vstack(
        [np.zeros(size), step * np.eye(size), -step * np.eye(size)]
    )
    rows = bench.at_samples(bench.run(search.values(around)))
    slopes = [(r[1 : size + 1] - r[size + 1 :]).T / (2 * step) for r in rows]
    left = [r[0] - log.position[:, 0] for r, log in zip(rows, bench.logs, strict=True)]
    sigma = float(np.sqrt(np.mean([np.mean(e**2) for e in left])))
    # One log counts as one observation of its mean square error.
    curvature = np.eye(size)
    filling = np.eye(size)
    for slope, error in zip(slopes, left, strict=True):
        share = len(error) * sigma**2
        curvature += slope.T @ slope / share
        pull = slope.T @ error / share
        filling += np.outer(pull, pull) + slope.T @ slope / share
    inverse = np.linalg.inv(curvature)
    return np.asarray(inverse @ filling @ inverse)


def _params(
    robot: RobotSpec,
    search: _Search,
    best: Floats,
    bench: Bench,
    notes: dict[str, Any],
) -> Params:
    fitted, covariance = search.values(best[None]), _covariance(search, best, bench)
    step = 1e-4
    moved = search.values(best + step * np.eye(len(best)))
    slopes = np.array([(moved[n][:, 0] - fitted[n][0, 0]) / step for n in search.names])
    matrix = slopes @ covariance @ slopes.T
    matrix = 0.5 * (matrix + matrix.T)
    width = np.sqrt(np.diag(matrix))
    origin: dict[str, Provenance | list[Provenance]] = dict.fromkeys(
        search.names, "measured"
    )
    return make_params(
        robot,
        {name: fitted[name][0] for name in search.names},
        origin,
        {name: width[i : i + 1] for i, name in enumerate(search.names)},
        covariance=Covariance(
            names=[f"{name}[0]" for name in search.names], matrix=matrix.tolist()
        ),
        notes=notes,
    )


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
