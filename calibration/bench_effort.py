"""Cases of the calibration bench that regress torques and currents."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forearm.core.log import Floats, RunLog
from forearm.core.log_columns import load_column_map
from forearm.core.log_io import Rows, read_log
from forearm.core.robots import ROBOTS, get_robot

from .coverage import leave_one_out
from .effort import UNIT, EffortResult, calibrate_effort
from .motion import Motion, motion_of
from .payload import weigh
from .peers import plain_least_squares
from .score import errors, noise_floor, pooled, relative, smooth_errors

COLUMNS = "ur10e-dynamic-calibration"
"""Layout of the UR10e logs."""

TRAIN = "30sec_12harm"
"""The log the UR10e cases train on."""

KNOWN, KNOWN_MASS = "14harm50secLoad", 2.805
"""The log whose load scales the drive gains, and the load [kg]."""

WEIGHED = {"load_2600": 2.6}
"""Logs with a load whose mass their name says [kg]."""

ROWS: dict[str, Rows] = {
    "30sec_12harm": (635, 3510),
    "20sec_12harm": (320, 2310),
    "20sec_7harm": (400, 2600),
    "14harm50secLoad": (308, 5071),
    "14harm50sec": (195, 4966),
    "load_2600": (300, 2700),
}
"""Rows in which the arm follows its trajectory, by the end of the file's name; other
logs are read completely."""

Case = dict[str, Any]


def ur10e_logs(folder: Path) -> dict[str, RunLog]:
    """Return every UR10e log of the folder by its file name."""
    columns, robot, out = load_column_map(COLUMNS), get_robot("ur10e"), {}
    for path in sorted((folder / "ur10e" / "logs").glob("*.csv*")):
        name = path.name.split(".csv")[0]
        rows = next((r for key, r in ROWS.items() if name.endswith(key)), None)
        out[name] = read_log(path, robot, columns, rows)
    return out


def _pick(logs: dict[str, RunLog], ending: str) -> str | None:
    return next((name for name in logs if name.endswith(ending)), None)


def _loaded(name: str) -> bool:
    return name.endswith(KNOWN) or "load" in name.lower()


def ur10e_current(folder: Path, intervals: bool = True) -> list[Case]:
    """Motor current of a UR10e, trained on one log, judged on all others.

    Args:
        folder: the data.
        intervals: measure their coverage too, which takes a minute.
    """
    path = next((folder / "ur10e" / "logs").glob(f"*{TRAIN}.csv*"), None)
    if path is None:
        return []
    robot = get_robot("ur10e")
    begin, cpu = time.monotonic(), time.process_time()
    train = read_log(path, robot, load_column_map(COLUMNS), ROWS[TRAIN])
    calibrate_effort([train], robot)
    seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    logs = ur10e_logs(folder)
    bare = [n for n in logs if not n.endswith(TRAIN) and not _loaded(n)]
    full = calibrate_effort([train], robot, [logs[n] for n in bare])
    held = dict(zip(bare, full.held, strict=True))
    peer, peer_seconds = plain_least_squares(full.choice.motions, full.chain)
    theirs = {name: peer(m) for name, m in held.items()}
    maker = {name: _target(m) for name, m in held.items()}
    shared = {"data": "ur10e current", "trained_on": [TRAIN], "unit": UNIT}
    out: list[Case] = []
    for model, label in ((full.model, "ladder"), (full.native, "mujoco-native")):
        table = {name: errors(model, [m]) for name, m in held.items()}
        out.append(
            {
                **shared,
                "model": label,
                "held_out": _means(table),
                "per_joint": {n: _list(e) for n, e in table.items()},
                "nominal": _means({n: errors(full.nominal, [held[n]]) for n in bare}),
                "manufacturer": _means(maker),
                "noise_floor": _means({n: noise_floor([held[n]]) for n in bare}),
                "seconds": seconds,
                "cpu_seconds": cpu,
                "peer": "plain least squares",
                "peer_error": _means(theirs),
                "peer_seconds": peer_seconds,
            }
        )
    if not intervals:
        return out
    singles = [n for n in logs if not _loaded(n) and "joint_" not in n]
    return [*out, coverage_case({n: logs[n] for n in singles})]


def coverage_case(logs: dict[str, RunLog]) -> Case:
    """How often 90 % intervals from one log hold the refit of another."""
    begin = time.monotonic()
    share, pairs, values = leave_one_out(list(logs.values()), get_robot("ur10e"))
    return {
        "data": "ur10e current",
        "model": "90 % intervals",
        "trained_on": "each log alone, and all but one",
        "held_out": share,
        "unit": "share of refits of unseen logs inside",
        "pairs": pairs,
        "values": values,
        "seconds": time.monotonic() - begin,
    }


def _target(motion: Motion) -> Floats:
    """Return the error of the manufacturer's own current where it is recorded."""
    target = motion.log.signals.get("target_current")
    if target is None:
        return np.full(motion.effort.shape[1], np.nan)
    return relative([motion.effort - target], [motion])


def _means(table: dict[str, Floats]) -> dict[str, float | None]:
    return {name: _mean(row) for name, row in table.items()}


def _mean(row: Floats) -> float | None:
    return float(np.nanmean(row)) if np.isfinite(row).any() else None


def _list(row: Floats) -> list[float | None]:
    return [float(x) if np.isfinite(x) else None for x in row]


def ur10e_payload(folder: Path) -> list[Case]:
    """Mass of a load on a UR10e, drive gains scaled once by a known one."""
    logs = ur10e_logs(folder)
    bare, known = _pick(logs, "14harm50sec"), _pick(logs, KNOWN)
    if bare is None or known is None:
        return []
    begin = time.monotonic()
    result = calibrate_effort([logs[bare]], get_robot("ur10e"))
    half = result.choice.half

    def load(name: str, **more: Any) -> Any:
        motion = motion_of(logs[name], result.chain, half)
        return weigh(result.model, result.chain, motion, **more)

    gains = load(known, mass=KNOWN_MASS)
    weighed = [n for n in logs if _loaded(n) and n != known]
    loads = {name: load(name, gains=gains) for name in weighed}
    truth = {n: next((m for k, m in WEIGHED.items() if k in n), None) for n in weighed}
    return [
        {
            "data": "ur10e payload",
            "model": "gains scaled by a known load",
            "trained_on": [bare, known],
            "held_out": {
                n: 100 * abs(load.mass / mass - 1) if mass else None
                for (n, load), mass in zip(loads.items(), truth.values(), strict=True)
            },
            "unit": "% of the mass",
            "mass": {n: load.mass for n, load in loads.items()},
            "interval_90": {n: list(load.interval) for n, load in loads.items()},
            "drive_gain": gains.gain.tolist(),
            "seconds": time.monotonic() - begin,
        }
    ]


def panda_torque(folder: Path) -> list[Case]:
    """Joint torques of a Panda at 30 Hz, the last 40 % held out."""
    path = folder / "unisa" / "panda_exciting_trajectory.db3"
    if not path.exists() or "panda" not in ROBOTS:
        return []
    robot = get_robot("panda")
    begin = time.monotonic()
    result = calibrate_effort([read_log(path, robot)], robot, holdout=0.4)
    seconds = time.monotonic() - begin
    models = {"ladder": result.model, "mujoco-native": result.native}
    return [_torque_case(result, name, m, seconds) for name, m in models.items()]


def _torque_case(result: EffortResult, label: str, model: Any, seconds: float) -> Case:
    held: Sequence[Motion] = result.held
    return {
        "data": "panda torque",
        "model": label,
        "trained_on": ["first 60 %"],
        "held_out": {
            "last 40 %": _mean(errors(model, held)),
            "last 40 %, noise filtered out": _mean(smooth_errors(model, held)),
            "last 40 %, joints together": pooled(model, held),
        },
        "per_joint": _list(errors(model, held)),
        "noise_floor": _mean(noise_floor(held)),
        "armature": model.term("armature").tolist(),
        "unit": UNIT,
        "seconds": seconds,
    }
