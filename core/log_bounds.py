"""What a log file may ask of memory and time, held against it before it is read."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import struct
import zipfile
from pathlib import Path

from numpy.lib import format as npy

from .errors import FileError

FILE_CAP = 16_000_000_000
"""Largest bag file read [bytes]; a working day of joint states."""

ARRAY_CAP = 1_000_000_000
"""Largest unpacked npz [bytes]."""

CHUNK_CAP = 512_000_000
"""Largest unpacked MCAP chunk [bytes]; recorders write 1 to 8 MB."""

CHUNK = 6
"""Opcode of a chunk (MCAP specification, "Chunk")."""

BOMB_RATIO, BOMB_FLOOR = 100, 10_000_000
"""Text that unpacks to more than this many times its size, and bytes, is a bomb;
recorded numbers shrink by 3 to 20 times."""


def check_size(path: Path) -> None:
    """Refuse a file that is empty or larger than any log.

    Raises:
        FileError: it is.
    """
    if path.is_dir():
        return
    size = path.stat().st_size
    if not size:
        raise FileError(path, "is empty")
    if size > FILE_CAP:
        raise FileError(path, f"has {size} bytes, at most {FILE_CAP} are read")


def check_arrays(path: Path) -> None:
    """Refuse an npz whose arrays are larger unpacked than memory should hold.

    Raises:
        FileError: it is, or an array claims more values than it holds.
    """
    with zipfile.ZipFile(path) as packed:
        members = packed.infolist()
        total = sum(m.file_size for m in members)
        if total > ARRAY_CAP:
            raise FileError(
                path, f"unpacks to {total} bytes, at most {ARRAY_CAP} are read"
            )
        for member in members:
            with packed.open(member) as file:
                version = npy.read_magic(file)
                read = (
                    npy.read_array_header_1_0
                    if version == (1, 0)
                    else npy.read_array_header_2_0
                )
                shape, _, kind = read(file)
            if math.prod(shape) * max(kind.itemsize, 1) > member.file_size:
                raise FileError(
                    path, f"array {member.filename!r} claims more than it holds"
                )


def check_database(path: Path) -> None:
    """Refuse SQLite bags whose tables are queries: they can be endless.

    Raises:
        FileError: a view or trigger is in the file.
    """
    files = sorted(path.glob("*.db3")) if path.is_dir() else [path]
    for file in files:
        if file.suffix != ".db3":
            continue
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as base:
            kinds = base.execute("SELECT type, name FROM sqlite_master").fetchall()
        for kind, name in kinds:
            if kind in ("view", "trigger"):
                raise FileError(file, f"holds the {kind} {name!r}; a bag has tables")


def check_chunks(path: Path) -> None:
    """Refuse an MCAP file with a chunk that unpacks to more than memory should hold.

    Raises:
        FileError: a chunk says so in its own header, or in that of its zstd frame.
    """
    files = sorted(path.glob("*.mcap")) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".mcap":
            _check_chunks(file)


def _check_chunks(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        place = 8  # behind the magic
        while place + 9 <= size:
            stream.seek(place)
            opcode, length = struct.unpack("<BQ", stream.read(9))
            if opcode == CHUNK:
                head = stream.read(min(length, 80))
                if max(_unpacked(head)) > CHUNK_CAP:
                    raise FileError(
                        path, f"a chunk unpacks to more than {CHUNK_CAP} bytes"
                    )
            place += 9 + length


def _unpacked(head: bytes) -> tuple[int, int]:
    """Return the size a chunk declares and that of its zstd frame (RFC 8878, 3.1.1)."""
    if len(head) < 32:
        return 0, 0
    _, _, declared, _, name = struct.unpack("<QQQII", head[:32])
    if name != 4 or head[32:36] != b"zstd":
        return declared, 0
    frame = head[44:]
    if len(frame) < 18:
        return declared, 0
    flag, single, key = frame[4] >> 6, frame[4] >> 5 & 1, frame[4] & 3
    start = 5 + (1 - single) + (0, 1, 2, 4)[key]
    width = (single, 2, 4, 8)[flag]
    return declared, int.from_bytes(frame[start : start + width], "little")
