"""Logs are read by joint name, written whole, and refused in one sentence."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore

from forearm.core.errors import FileError, ForearmError, MismatchError
from forearm.core.log import RunLog, make_log
from forearm.core.log_bag import JOINT_STATE, STORE
from forearm.core.log_io import read_log, write_log
from forearm.core.robots import get_robot

ROBOT = get_robot("ur5e")
SHUFFLED = tuple(sorted(ROBOT.joint_names))
STORE_ = get_typestore(STORE)
ARRAY = "std_msgs/msg/Float64MultiArray"


def sample(joints: tuple[str, ...] = ROBOT.joint_names) -> RunLog:
    rows = np.random.default_rng(0).normal(size=(40, len(joints)))
    time = 1000.0 + np.arange(40) * 0.01
    return make_log(joints, time, rows, rows + 1, rows + 2, time[:20], rows[:20] + 3)


def state(time: float, names: tuple[str, ...], *rows: np.ndarray) -> Any:
    kinds = STORE_.types
    stamp = kinds["builtin_interfaces/msg/Time"](*divmod(round(time * 1e9), 10**9))
    header = kinds["std_msgs/msg/Header"](stamp, "")
    fields = [*rows, *[np.zeros(0)] * (3 - len(rows))]
    return kinds[JOINT_STATE](header, list(names), *fields)


def array(values: np.ndarray) -> Any:
    layout = STORE_.types["std_msgs/msg/MultiArrayLayout"]([], 0)
    return STORE_.types[ARRAY](layout, values)


def write(
    path: Path, plugin: StoragePlugin, rows: list[tuple[str, str, float, Any]]
) -> None:
    with Writer(path, version=9, storage_plugin=plugin) as bag:
        open_: dict[str, Any] = {}
        for topic, kind, time, message in rows:
            if topic not in open_:
                open_[topic] = bag.add_connection(topic, kind, typestore=STORE_)
            data = STORE_.serialize_cdr(message, kind)
            bag.write(open_[topic], round(time * 1e9), data)


@pytest.mark.parametrize("bare", [False, True])
def test_what_is_written_is_read_back(tmp_path: Path, bare: bool) -> None:
    write_log(tmp_path / "log", sample())
    (file,) = (tmp_path / "log").glob("*.mcap")
    log = read_log(file if bare else tmp_path / "log", ROBOT)
    assert [p.name for p in tmp_path.iterdir()] == ["log"]
    np.testing.assert_allclose(log.time, sample().time, atol=1e-6)
    np.testing.assert_allclose(log.command_time, sample().command_time, atol=1e-6)
    for name in ("position", "velocity", "effort", "command"):
        np.testing.assert_array_equal(getattr(log, name), getattr(sample(), name))


def test_joints_are_mapped_by_name(tmp_path: Path) -> None:
    write_log(tmp_path / "log", sample(SHUFFLED))
    log = read_log(tmp_path / "log", ROBOT)
    column = SHUFFLED.index("elbow_joint")
    np.testing.assert_array_equal(log.effort[:, 2], sample(SHUFFLED).effort[:, column])
    np.testing.assert_array_equal(
        log.command[:, 2], sample(SHUFFLED).command[:, column]
    )


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_controller_command_has_its_receive_time_in_the_state_clock(
    tmp_path: Path, plugin: StoragePlugin
) -> None:
    names = ROBOT.joint_names
    topic, commands = "/left/joint_states", "/left/forward_position_controller/commands"
    rows = [
        (topic, JOINT_STATE, 500 + t, state(t, names, np.ones(6))) for t in (1, 2, 3)
    ]
    rows.append((commands, ARRAY, 501.5, array(np.arange(6.0))))
    write(tmp_path / "log", plugin, rows)
    log = read_log(tmp_path / "log", ROBOT)
    np.testing.assert_allclose(log.time, [1, 2, 3])
    np.testing.assert_allclose(log.command_time, [1.5])
    assert log.command[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert log.velocity.shape == (0, 6)


def test_repeated_stamps_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = [
        (
            "/joint_states",
            JOINT_STATE,
            10 + i,
            state(t, ROBOT.joint_names, np.ones(6) * i),
        )
        for i, t in enumerate((10, 11, 11, 10.5, 14))
    ]
    write(tmp_path / "log", StoragePlugin.MCAP, rows)
    log = read_log(tmp_path / "log", ROBOT)
    assert log.position[:, 0].tolist() == [0, 1, 4]
    assert log.meta["dropped_states"] == 2


def test_an_npz_is_read(tmp_path: Path) -> None:
    log = sample()
    np.savez(
        tmp_path / "log.npz", joints=log.joints, time=log.time, position=log.position
    )
    np.testing.assert_array_equal(
        read_log(tmp_path / "log.npz", ROBOT).position, log.position
    )


def test_another_robot_is_refused(tmp_path: Path) -> None:
    write_log(tmp_path / "log", sample(("a", "b")))
    with pytest.raises(MismatchError, match=r"'a', 'b'.*'shoulder_pan_joint'"):
        read_log(tmp_path / "log", ROBOT)


def test_a_bag_without_joint_states_is_refused_with_its_topics(tmp_path: Path) -> None:
    write(tmp_path / "log", StoragePlugin.MCAP, [("/x", ARRAY, 1.0, array(np.ones(6)))])
    with pytest.raises(FileError, match=r"no joint_states; its topics: /x"):
        read_log(tmp_path / "log", ROBOT)


def test_a_position_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    log = sample()
    log.position[3, 2] = np.nan
    write_log(tmp_path / "log", log)
    with pytest.raises(FileError, match=r"position of elbow_joint .* row 3"):
        read_log(tmp_path / "log", ROBOT)


def test_a_missing_file_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read_log(tmp_path / "log.mcap")
    (tmp_path / "log.txt").touch()
    with pytest.raises(FileError, match=r"valid: a rosbag2 directory, \.mcap"):
        read_log(tmp_path / "log.txt")


def test_an_existing_log_is_not_overwritten(tmp_path: Path) -> None:
    write_log(tmp_path / "log", sample())
    with pytest.raises(FileError, match="exists already"):
        write_log(tmp_path / "log", sample())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One sound file of every kind."""
    folder = tmp_path_factory.mktemp("good")
    log = sample()
    rows = [
        ("/joint_states", JOINT_STATE, t, state(t, log.joints, r))
        for t, r in zip(log.time, log.position, strict=True)
    ]
    for plugin in StoragePlugin:
        write(folder / plugin.name, plugin, rows)
    np.savez(folder / "a.npz", joints=log.joints, time=log.time, position=log.position)
    files = [f for f in folder.rglob("*.*") if f.suffix in (".npz", ".mcap", ".db3")]
    return {file.suffix: file.read_bytes() for file in files}


quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("suffix", [".mcap", ".db3", ".npz"])
@quick
@given(part=st.floats(0, 0.95), garbage=st.binary(max_size=64))
def test_a_truncated_file_is_refused_with_its_name(
    good: dict[str, bytes], tmp_path: Path, suffix: str, part: float, garbage: bytes
) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(good[suffix][: int(part * len(good[suffix]))] + garbage)
    with pytest.raises(ForearmError, match="bad"):
        read_log(path, ROBOT)


@pytest.mark.parametrize("suffix", [".mcap", ".db3", ".npz"])
@quick
@given(place=st.floats(0, 0.999), flip=st.integers(1, 255))
def test_a_flipped_byte_gives_a_log_or_a_refusal(
    good: dict[str, bytes], tmp_path: Path, suffix: str, place: float, flip: int
) -> None:
    data = bytearray(good[suffix])
    data[int(place * len(data))] ^= flip
    path = tmp_path / f"flipped{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(ForearmError):
        assert np.isfinite(read_log(path, ROBOT).position).all()


def test_names_of_joints_that_are_none_are_refused_in_few_words(tmp_path: Path) -> None:
    rows = {"time": np.arange(5.0), "position": np.zeros((5, 6))}
    np.savez(tmp_path / "bad.npz", joints=np.zeros((6, 7, 7), "M8[s]"), **rows)
    with pytest.raises(ForearmError, match="no list of names"):
        read_log(tmp_path / "bad.npz", ROBOT)
    long = np.array(["j" * 5000] * 6)
    np.savez(tmp_path / "long.npz", joints=long, **rows)
    with pytest.raises(ForearmError, match="check --robot") as caught:
        read_log(tmp_path / "long.npz", ROBOT)
    assert len(str(caught.value)) < 1000
