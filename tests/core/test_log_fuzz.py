"""Any damaged file gives a log or one clear sentence: no crash, no hang, no litter.

``FOREARM_FUZZ_CASES`` sets the cases per kind of file; 1300 run more than 10 000.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore

from forearm.core.errors import ForearmError
from forearm.core.log import make_log
from forearm.core.log_bag import STORE
from forearm.core.log_columns import ColumnMap
from forearm.core.log_io import read_log, write_log
from forearm.core.robots import get_robot

ROBOT = get_robot("ur5e")
CASES = int(os.environ.get("FOREARM_FUZZ_CASES", "40"))
HANG = 5
MEMORY = 600_000_000
"""Growth of the process over all cases [bytes]; a gigabyte would be a bomb read."""

MAP = ColumnMap.model_validate(
    {
        "joints": list(ROBOT.joint_names),
        "time": {"columns": [1], "unit": "s"},
        "position": {"columns": "2-7", "unit": "rad"},
    }
)
KINDS = (
    "a.mcap",
    "a.db3",
    "folder",
    "a.npz",
    "a.csv",
    "a.csv.gz",
    "a.json",
    "a.json.gz",
)

fuzz = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One sound file of each kind."""
    folder = tmp_path_factory.mktemp("sound")
    rows = np.random.default_rng(0).normal(size=(12, 6))
    log = make_log(
        ROBOT.joint_names,
        10 + np.arange(12.0),
        rows,
        command_time=10 + np.arange(12.0),
        command=rows,
    )
    write_log(folder / "bag", log)
    (mcap,) = (folder / "bag").glob("*.mcap")
    with Writer(folder / "sql", version=9, storage_plugin=StoragePlugin.SQLITE3) as bag:
        store = get_typestore(STORE)
        topic = bag.add_connection(
            "/joint_states", "sensor_msgs/msg/JointState", typestore=store
        )
        kinds = store.types
        for i, row in enumerate(rows):
            stamp = kinds["builtin_interfaces/msg/Time"](10 + i, 0)
            header = kinds["std_msgs/msg/Header"](stamp, "")
            state = kinds["sensor_msgs/msg/JointState"](
                header, list(ROBOT.joint_names), row, np.zeros(0), np.zeros(0)
            )
            data = store.serialize_cdr(state, "sensor_msgs/msg/JointState")
            bag.write(topic, (10 + i) * 10**9, data)
    (db3,) = (folder / "sql").glob("*.db3")
    packed = io.BytesIO()
    np.savez(packed, joints=ROBOT.joint_names, time=log.time, position=rows)
    lines = [",".join(map(str, (t, *r))) for t, r in zip(log.time, rows, strict=True)]
    entries = [
        {"timestamp": float(t), "position": float(r[0]), "goal_position": 0.0}
        for t, r in zip(log.time, rows, strict=True)
    ]
    table = "\n".join(lines).encode()
    text = json.dumps({"kp": 1, "entries": entries}).encode()
    return {
        "a.mcap": mcap.read_bytes(),
        "folder": (folder / "bag" / "metadata.yaml").read_bytes(),
        "folder/bag_0.mcap": mcap.read_bytes(),
        "a.db3": db3.read_bytes(),
        "a.npz": packed.getvalue(),
        "a.csv": table,
        "a.csv.gz": gzip.compress(table),
        "a.json": text,
        "a.json.gz": gzip.compress(text),
    }


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


def judge(folder: Path, kind: str, data: bytes, sound: dict[str, bytes]) -> None:
    """Read ``data`` as a log of ``kind``: a log or a refusal, and nothing else."""
    path = folder / kind
    if kind == "folder":
        path.mkdir(exist_ok=True)
        name = "bag_0.mcap"
        (path / name).write_bytes(sound["folder/bag_0.mcap"])
        (path / "metadata.yaml").write_bytes(data)
    else:
        path.write_bytes(data)
    files = sorted(folder.rglob("*"))
    robot = None if "json" in kind else ROBOT
    log, refusal = None, ""
    with no_hang():
        try:
            log = read_log(path, robot, MAP if "csv" in kind else None)
        except ForearmError as error:
            refusal = str(error)
    if log is None:
        assert kind in refusal
        assert len(refusal) < 2000
        assert "\n" not in refusal
    else:
        assert len(log.time)
        assert np.isfinite(log.position).all()
    assert sorted(folder.rglob("*")) == files


@st.composite
def damage(draw: st.DrawFn) -> Any:
    """Return a function that damages bytes."""
    place, other = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    action = draw(st.sampled_from(["cut", "flip", "insert", "delete", "copy", "fill"]))
    junk = draw(st.binary(min_size=1, max_size=32))

    def apply(data: bytes) -> bytes:
        a, b = sorted((int(place * len(data)), int(other * len(data))))
        if action == "cut":
            return data[:a] + (junk if b % 2 else b"")
        if action == "flip":
            changed = bytearray(data)
            for i, byte in enumerate(junk):
                changed[(a + i * max(b, 1)) % len(data)] ^= byte
            return bytes(changed)
        if action == "insert":
            return data[:a] + junk + data[a:]
        if action == "delete":
            return data[:a] + data[b:]
        if action == "copy":
            return data[:b] + data[a:b] + data[b:]
        return data[:a] + b"\xff" * min(b - a, 64) + data[a + min(b - a, 64) :]

    return apply


@each_kind
@fuzz
@given(change=damage())
def test_a_damaged_file_is_read_or_refused(
    sound: dict[str, bytes], tmp_path: Path, kind: str, change: Any
) -> None:
    before = memory()
    judge(tmp_path, kind, change(sound[kind]), sound)
    assert memory() - before < MEMORY


@each_kind
def test_an_empty_file_is_refused(
    sound: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    judge(tmp_path, kind, b"", sound)
    with pytest.raises(ForearmError):
        read_log(tmp_path / kind, None, MAP)


numbers = st.one_of(st.integers(), st.floats(), st.text(max_size=8), st.none())
trees = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["entries", "timestamp", "position", "speed", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@fuzz
@given(content=trees)
def test_json_of_another_schema_is_read_or_refused(
    sound: dict[str, bytes], tmp_path: Path, content: Any
) -> None:
    judge(tmp_path, "a.json", json.dumps(content).encode(), sound)


@fuzz
@given(
    shape=st.lists(st.integers(0, 7), max_size=3),
    kind=st.sampled_from(["f8", "i2", "c16", "U4", "?", "M8[s]"]),
    name=st.sampled_from(["time", "position", "velocity", "joints", "command"]),
)
def test_npz_arrays_of_another_kind_are_read_or_refused(
    sound: dict[str, bytes], tmp_path: Path, shape: list[int], kind: str, name: str
) -> None:
    content: dict[str, Any] = {
        "joints": ROBOT.joint_names,
        "time": np.arange(5.0),
        "position": np.zeros((5, 6)),
    }
    content[name] = np.zeros(shape, kind)
    packed = io.BytesIO()
    np.savez(packed, **content)
    judge(tmp_path, "a.npz", packed.getvalue(), sound)


@fuzz
@given(text=st.text(alphabet='0123456789.,;e-+nai \n\t"', max_size=400))
def test_any_text_as_a_table_is_read_or_refused(
    sound: dict[str, bytes], tmp_path: Path, text: str
) -> None:
    judge(tmp_path, "a.csv", text.encode(), sound)
