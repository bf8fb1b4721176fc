"""Read and write recorded logs: rosbag2, bare bag files, npz, CSV and JSON."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore

from .errors import FileError, ForearmError, LimitError
from .log import Floats, RunLog, make_log
from .log_bag import JOINT_STATE, STORE, read_bag
from .log_bounds import check_arrays, check_chunks, check_database, check_size
from .log_columns import ColumnMap
from .log_csv import read_csv
from .log_json import read_json
from .robot import RobotSpec

SUFFIXES = (".mcap", ".db3", ".npz", ".csv", ".csv.gz", ".json", ".json.gz")
"""Files that are read; a directory is read as rosbag2."""

Rows = tuple[int, int]
"""First and last row, counted from 1, inclusive."""


def read_log(
    path: str | Path,
    robot: RobotSpec | None = None,
    columns: ColumnMap | None = None,
    rows: Rows | None = None,
) -> RunLog:
    """Read a recording; joints are mapped by name.

    Args:
        path: rosbag2 directory, ``.mcap``, ``.db3``, ``.npz``, ``.csv`` or ``.json``,
            the last two also as ``.gz``.
        robot: the arm whose joints are wanted; the log's own joints where missing.
        columns: layout of a ``.csv``.
        rows: only these joint states.

    Raises:
        FileError: missing, corrupt, without joint states or with NaN in them.
        MismatchError: the log is of other joints.
    """
    path = Path(path)
    if not path.exists():
        raise FileError(path, "does not exist")
    if not path.is_dir() and not path.name.endswith(SUFFIXES):
        valid = ", ".join(SUFFIXES)
        raise FileError(path, f"is no log; valid: a rosbag2 directory, {valid}")
    try:
        check_size(path)
        check_database(path)
        check_chunks(path)
        log = _read(path, robot, columns, rows)
        log = log if robot is None else log.select(robot.joint_names)
    except FileError:
        raise
    except ForearmError as error:
        error.args = (f"{path}: {error}",)
        raise
    except Exception as error:
        # A damaged file makes the parsers raise whatever they stumble over.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(path, f"cannot be read as a log ({reason[:200]})") from error
    _check_finite(path, log)
    return log


def parse_rows(text: str) -> Rows:
    """Return the rows of ``first:last``.

    Raises:
        LimitError: not two increasing numbers from 1.
    """
    found = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    if not found or not 1 <= int(found[1]) < int(found[2]):
        raise LimitError(f"rows must be FIRST:LAST counted from 1, got {text!r}")
    return int(found[1]), int(found[2])


def split_rows(text: str) -> tuple[str, Rows | None]:
    """Return path and rows of ``LOG`` or ``LOG@FIRST:LAST``.

    Raises:
        LimitError: what is behind the ``@`` are no rows.
    """
    path, mark, rows = text.rpartition("@")
    if not mark or ":" not in rows:
        return text, None
    return path, parse_rows(rows)


def _read(
    path: Path, robot: RobotSpec | None, columns: ColumnMap | None, rows: Rows | None
) -> RunLog:
    if path.name.endswith((".csv", ".csv.gz")) and not path.is_dir():
        if columns is None:
            raise FileError(path, "is a table", "say its layout with --columns MAP")
        return read_csv(path, columns, rows)
    if path.name.endswith((".json", ".json.gz")) and not path.is_dir():
        log = read_json(path, robot)
    else:
        log = _read_npz(path) if path.suffix == ".npz" else read_bag(path, robot)
    return log if rows is None else _only(path, log, rows)


def _only(path: Path, log: RunLog, rows: Rows) -> RunLog:
    if rows[0] > len(log.time):
        raise FileError(
            path, f"has {len(log.time)} joint states, so none from row {rows[0]} on"
        )
    last = rows[1]
    stop = log.time[last] if last < len(log.time) else np.inf
    return log.crop(float(log.time[rows[0] - 1]), float(stop))


def _check_finite(path: Path, log: RunLog) -> None:
    if not len(log.time):
        raise FileError(path, "holds no joint states")
    for name in ("position", "velocity", "effort", "command"):
        bad = ~np.isfinite(getattr(log, name))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise FileError(
                path, f"{name} of {log.joints[column]} is not a number in row {row}"
            )


def _read_npz(path: Path) -> RunLog:
    check_arrays(path)
    with np.load(path, allow_pickle=False) as data:
        content = {name: data[name] for name in data.files}
    for name in ("joints", "time", "position"):
        if name not in content:
            raise FileError(path, f"has no array {name!r}; it has {sorted(content)}")
    names = content.pop("joints")
    if names.ndim != 1 or names.dtype.kind != "U":
        raise FileError(path, "array 'joints' is no list of names")
    joints = tuple(map(str, names))
    known = {"time", "position", "velocity", "effort", "command_time", "command"}
    for name in known & set(content):
        if content[name].dtype.kind not in "fiub":
            raise FileError(path, f"array {name!r} holds no real numbers")
    arrays = {k: v.astype(np.float64) for k, v in content.items() if k in known}
    unit = str(content.get("effort_unit", "Nm"))
    if unit not in ("Nm", "A"):
        raise FileError(path, f"effort_unit must be Nm or A, got {unit!r}")
    return make_log(
        joints, **arrays, effort_unit="A" if unit == "A" else "Nm", source=str(path)
    )


def write_log(path: str | Path, log: RunLog) -> None:
    """Write ``log`` as a rosbag2 directory in MCAP; complete or not at all.

    Raises:
        FileError: the path exists, cannot be written, or stamps are negative.
    """
    path = Path(path)
    if path.exists():
        raise FileError(path, "exists already", "choose another name for the log")
    if min(log.time.min(initial=0.0), log.command_time.min(initial=0.0)) < 0:
        raise FileError(path, "cannot be written (a stamp is before 1970)")
    folder = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        _write_bag(folder / path.name, log)
        os.replace(folder / path.name, path)
    except OSError as error:
        raise FileError(path, f"cannot be written ({error.strerror})") from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _write_bag(path: Path, log: RunLog) -> None:
    store = get_typestore(STORE)
    kinds = store.types
    names = list(log.joints)

    def encode(time: float, *fields: Floats) -> tuple[int, bytes]:
        ns = round(time * 1e9)
        stamp = kinds["builtin_interfaces/msg/Time"](*divmod(ns, 1_000_000_000))
        header = kinds["std_msgs/msg/Header"](stamp, "")
        message = kinds[JOINT_STATE](header, names, *fields)
        return ns, bytes(store.serialize_cdr(message, JOINT_STATE))

    none = np.zeros(0)
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        states, commands = (
            bag.add_connection(topic, JOINT_STATE, typestore=store)
            for topic in ("/joint_states", "/forearm/joint_command")
        )
        for i, time in enumerate(log.time):
            optional = [a[i] if len(a) else none for a in (log.velocity, log.effort)]
            bag.write(states, *encode(time, log.position[i], *optional))
        for time, row in zip(log.command_time, log.command, strict=True):
            bag.write(commands, *encode(time, row, none, none))
