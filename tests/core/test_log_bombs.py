"""Small files that ask for much memory or time are refused before they get it."""

from __future__ import annotations

import gzip
import io
import resource
import signal
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from forearm.core.errors import FileError
from forearm.core.log_columns import ColumnMap
from forearm.core.log_io import read_log

HANG = 5

MAP = ColumnMap.model_validate(
    {
        "joints": ["a"],
        "time": {"columns": [1], "unit": "s"},
        "position": {"columns": [2], "unit": "rad"},
    }
)


@contextmanager
def no_hang() -> Iterator[None]:
    """Fail a read that takes longer than it may."""

    def stop(*_: object) -> None:
        pytest.fail(f"hangs for more than {HANG} s")

    # Processor time: a machine that is busy elsewhere is no hang.
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path, before = tmp_path / "bomb.npz", memory()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9,)}
    )
    block = bytes(8_000_000)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("time.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(150):
            member.write(block)
    assert path.stat().st_size < 10_000_000
    with no_hang(), pytest.raises(FileError, match="unpacks to"):
        read_log(path)
    assert memory() - before < 100_000_000


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path, before = tmp_path / "claim.npz", memory()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**11,)}
    )
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("time.npy", header.getvalue() + bytes(80))
    with no_hang(), pytest.raises(FileError, match="claims"):
        read_log(path)
    assert memory() - before < 100_000_000


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.json.gz"])
def test_a_gzip_bomb_is_refused(tmp_path: Path, name: str) -> None:
    before = memory()
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(b"0" * 4_000_000)
    with no_hang(), pytest.raises(FileError, match="times its size"):
        read_log(tmp_path / name, columns=MAP)
    assert memory() - before < 300_000_000


def test_a_bag_whose_messages_are_an_endless_query_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db3") as base:
        base.execute("CREATE TABLE topics(id, name, type, serialization_format)")
        base.execute(
            "CREATE VIEW messages AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL "
            "SELECT x + 1 FROM n) SELECT x AS id, 1 AS topic_id, x AS timestamp, "
            "x AS data FROM n"
        )
    base.close()
    with no_hang(), pytest.raises(FileError, match="view"):
        read_log(tmp_path / "a.db3")


def test_deep_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    with no_hang(), pytest.raises(FileError, match="does not parse"):
        read_log(tmp_path / "a.json")


@pytest.mark.parametrize("lie", [False, True])
def test_a_chunk_that_unpacks_without_end_is_refused(tmp_path: Path, lie: bool) -> None:
    declared = 100 if lie else 10**10
    # A zstd frame of a single segment that says 10 GB in its header.
    frame = b"\x28\xb5\x2f\xfd\xe0" + (10**10).to_bytes(8, "little") + bytes(16)
    head = struct.pack("<QQQII", 0, 0, declared, 0, 4) + b"zstd"
    chunk = head + struct.pack("<Q", len(frame)) + frame
    data = b"\x89MCAP0\r\n" + struct.pack("<BQ", 6, len(chunk)) + chunk
    (tmp_path / "a.mcap").write_bytes(data + bytes(4096))
    with no_hang(), pytest.raises(FileError, match="a chunk unpacks to more"):
        read_log(tmp_path / "a.mcap")
