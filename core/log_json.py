"""Read the JSON logs of servos on a pendulum test bench (Rhoban/bam layout)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FileError, MismatchError
from .log import RunLog, make_log
from .log_csv import read_text
from .robot import RobotSpec

LAYOUT = "github.com/Rhoban/bam: header fields and a list `entries`"
"""Where the layout comes from."""

NEEDED = ("timestamp", "position")
"""Fields every entry has."""

JOINT = "joint"
"""Name of the one joint where no robot says it."""

SIGNALS = ("load", "input_volts", "temp", "torque_enable")
"""Fields kept beside position, speed and goal where every entry has them."""


def read_json(path: Path, robot: RobotSpec | None = None) -> RunLog:
    """Read a ``.json`` or ``.json.gz`` that exists; use ``read_log``.

    One joint: ``position`` [rad], ``speed`` [rad/s], ``goal_position`` [rad] on the
    stamps of the states; ``meta["header"]`` keeps the header (mass, length, kp, vin,
    motor), ``signals`` the load, supply voltage and torque switch as recorded.

    Raises:
        FileError: not this layout, or an entry lacks a number.
        MismatchError: the robot has more than one joint.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        reason = (str(error).splitlines() or ["too deeply nested"])[0]
        raise FileError(path, f"does not parse ({reason[:200]})") from error
    entries = content.get("entries") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise FileError(path, f"has no list of entries; expected {LAYOUT}")
    if robot is not None and robot.n != 1:
        raise MismatchError("log joints", "one servo", list(robot.joint_names))
    names = robot.joint_names if robot else (JOINT,)
    columns = {name: _column(path, entries, name) for name in NEEDED}
    for name in ("speed", "goal_position", *SIGNALS):
        if entries and all(name in entry for entry in entries):
            columns[name] = _column(path, entries, name)
    stamps = columns.pop("timestamp")
    keep = np.ones(len(stamps), np.bool_)
    keep[1:] = stamps[1:] > np.maximum.accumulate(stamps)[:-1]
    rows = {name: c[keep, None] for name, c in columns.items()}
    goal = rows.get("goal_position")
    return make_log(
        names,
        stamps[keep],
        rows["position"],
        rows.get("speed"),
        command_time=None if goal is None else stamps[keep],
        command=goal,
        signals={name: rows[name] for name in SIGNALS if name in rows},
        source=str(path),
        header={k: v for k, v in content.items() if k != "entries"},
        dropped_states=int((~keep).sum()),
    )


def _column(path: Path, entries: list[dict[str, Any]], name: str) -> Any:
    values = [entry.get(name) for entry in entries]
    for number, value in enumerate(values):
        if not isinstance(value, int | float):
            raise FileError(path, f"{name} of entry {number + 1} is {value!r:.50}")
    try:
        column = np.array(values, np.float64)
    except OverflowError as error:
        raise FileError(path, f"{name} holds a number that is too large") from error
    if not np.isfinite(column).all():
        bad = int(np.flatnonzero(~np.isfinite(column))[0])
        raise FileError(path, f"{name} of entry {bad + 1} is not a number")
    return column
