"""Read a log from a table of numbers (CSV, plain or gzip) with a column map."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from .errors import FileError
from .log import EffortUnit, Floats, RunLog, make_log
from .log_bounds import BOMB_FLOOR, BOMB_RATIO
from .log_columns import Column, ColumnMap

TEXT_CAP = 1_000_000_000
"""Largest table read, unpacked [bytes]; an hour of 31 columns at 500 Hz is 500 MB."""

BAD_SHARE = 0.05
"""Part of the rows that may be corrupt; a file with more is refused."""

NAMED = 5
"""Most corrupt rows that are named one by one."""

CHUNK = 1 << 20


def read_text(path: Path) -> str:
    """Return the text of a plain or ``.gz`` file, its unpacked size capped.

    Raises:
        FileError: larger than :data:`TEXT_CAP`, damaged or not UTF-8.
    """
    parts: list[bytes] = []
    size, packed = 0, path.stat().st_size
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            while part := file.read(CHUNK):
                size += len(part)
                if size > BOMB_FLOOR and size > BOMB_RATIO * packed:
                    raise FileError(
                        path, f"unpacks to over {BOMB_RATIO} times its size"
                    )
                if size > TEXT_CAP:
                    raise FileError(path, f"unpacks to more than {TEXT_CAP} bytes")
                parts.append(part)
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(path, "is not UTF-8 text") from error
    except (OSError, EOFError) as error:
        raise FileError(path, f"cannot be unpacked ({error})") from error


def read_csv(
    path: Path, columns: ColumnMap, rows: tuple[int, int] | None = None
) -> RunLog:
    """Read a table that exists; use :func:`forearm.core.log_io.read_log`.

    Rows that do not parse, are ragged, hold no finite number or whose stamp is not
    later than all before are left out; ``meta`` says which and how many.

    Args:
        path: the file.
        columns: its layout.
        rows: first and last row (from 1 behind the header, inclusive), over the map's.

    Raises:
        FileError: a column is missing or more than 5 % of the rows are corrupt.
    """
    lines = read_text(path).splitlines()
    head, lines = lines[: columns.header_rows], lines[columns.header_rows :]
    first, last = rows or columns.rows or (1, max(len(lines), 1))
    if first > len(lines):
        raise FileError(path, f"has {len(lines)} rows, so none from row {first} on")
    lines = lines[first - 1 : last]
    named = _indices(path, columns, head, lines[:100])
    table, bad = _numbers(
        path, lines, columns.delimiter, [i for n in named.values() for i in n]
    )
    values, start = {}, 0
    for name, index in named.items():
        part = table[:, start : start + len(index)]
        values[name], start = part * columns.named()[name].factor, start + len(index)
    keep = _later(values["time"][:, 0])
    log = _assemble(columns, {name: v[keep] for name, v in values.items()})
    log.meta.update(
        source=str(path),
        rows=[first, first - 1 + len(lines)],
        corrupt_rows=[int(b) + first for b in bad[:NAMED]],
        corrupt_count=len(bad),
        dropped_states=int((~keep).sum()),
    )
    return log


def _assemble(columns: ColumnMap, values: dict[str, Floats]) -> RunLog:
    unit: EffortUnit = "Nm"
    if columns.effort is not None and columns.effort.unit in ("A", "mA"):
        unit = "A"
    time = values["time"][:, 0]
    return make_log(
        tuple(columns.joints),
        time,
        values["position"],
        values.get("velocity"),
        values.get("effort"),
        time if "command" in values else None,
        values.get("command"),
        effort_unit=unit,
        signals={name: values[name] for name in columns.signals},
    )


def _later(stamps: Floats) -> np.typing.NDArray[np.bool_]:
    keep = np.ones(len(stamps), np.bool_)
    keep[1:] = stamps[1:] > np.maximum.accumulate(stamps)[:-1]
    return keep


def _indices(
    path: Path, columns: ColumnMap, head: list[str], lines: list[str]
) -> dict[str, list[int]]:
    titles = head[-1].split(columns.delimiter) if head else []
    names = [title.strip().strip('"') for title in titles]
    widths = [len(line.split(columns.delimiter)) for line in lines]
    width = int(np.median(widths)) if lines else 0

    def place(key: Column) -> int:
        if isinstance(key, str):
            if key not in names:
                valid = ", ".join(names) or "none: the map says header_rows: 0"
                raise FileError(path, f"has no column {key!r}; its columns: {valid}")
            return names.index(key)
        if key > width:
            raise FileError(
                path,
                f"has {width} columns, the column map wants number {key}",
                "check delimiter and columns of the map",
            )
        return key - 1

    return {
        name: [place(key) for key in signal.keys]
        for name, signal in columns.named().items()
    }


def _numbers(
    path: Path, lines: list[str], delimiter: str, used: list[int]
) -> tuple[Floats, list[int]]:
    """Return the used columns of the sound rows and the corrupt row numbers."""
    separator = None if delimiter == " " else delimiter
    try:
        table = np.loadtxt(lines, delimiter=separator, ndmin=2, comments=None)
        if len(table) == len(lines):
            table = table[:, used]
            sound = np.isfinite(table).all(axis=1)
            bad = np.flatnonzero(~sound).tolist()
            return _checked(path, table[sound], bad, len(lines))
    except ValueError:
        pass  # Some row is ragged or no number: look at every row.
    width = int(np.median([len(line.split(separator)) for line in lines] or [0]))
    good, bad = [], []
    for number, line in enumerate(lines):
        fields = line.split(separator)
        try:
            row = [float(fields[i]) for i in used]
        except (ValueError, IndexError):
            row = []
        if len(fields) == width and row and np.isfinite(row).all():
            good.append(row)
        else:
            bad.append(number)
    return _checked(path, np.array(good).reshape(-1, len(used)), bad, len(lines))


def _checked(
    path: Path, table: Floats, bad: list[int], total: int
) -> tuple[Floats, list[int]]:
    if total and len(bad) > BAD_SHARE * total:
        raise FileError(
            path,
            f"{len(bad)} of {total} rows are not {'all ' if len(table) else ''}numbers "
            f"(the first is row {bad[0] + 1} of those read)",
            "check delimiter, header_rows and columns of the map",
        )
    return table, bad
