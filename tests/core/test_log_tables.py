"""Tables and servo logs are read by a map, in SI units, and refused in one sentence."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from forearm.core.errors import FileError, ForearmError, MismatchError, UnknownNameError
from forearm.core.log_columns import ColumnMap, load_column_map
from forearm.core.log_io import read_log
from forearm.core.robots import get_robot

MAP = ColumnMap.model_validate(
    {
        "joints": ["b", "a"],
        "time": {"columns": ["t"], "unit": "ms"},
        "position": {"columns": "2-3", "unit": "deg"},
        "effort": {"columns": ["i_b", "i_a"], "unit": "mA"},
        "header_rows": 1,
    }
)
HEAD = "t,b,a,i_b,i_a\n"


def rows(count: int = 40) -> list[str]:
    return [f"{10 * k + k % 3},{k},{2 * k},{3 * k},{4 * k}" for k in range(count)]


def table(path: Path, lines: list[str]) -> Path:
    text = HEAD + "\n".join(lines) + "\n"
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wb") as file:
        file.write(text.encode())
    return path


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_table_is_read_in_si_units_at_its_own_uneven_stamps(
    tmp_path: Path, name: str
) -> None:
    log = read_log(table(tmp_path / name, rows()), columns=MAP)
    assert log.joints == ("b", "a")
    assert log.effort_unit == "A"
    np.testing.assert_allclose(log.time[:4], [0.0, 0.011, 0.022, 0.03])
    np.testing.assert_allclose(log.position[5], np.radians([5, 10]))
    np.testing.assert_allclose(log.effort[5], [0.015, 0.020])
    assert log.velocity.shape == (0, 2)


def test_rows_are_counted_from_one_behind_the_header(tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", rows())
    log = read_log(path, columns=MAP, rows=(3, 10))
    assert len(log.time) == 8
    assert log.position[0, 0] == pytest.approx(math.radians(2))
    with pytest.raises(FileError, match="has 40 rows"):
        read_log(path, columns=MAP, rows=(41, 50))


def test_a_corrupt_row_is_left_out_and_named(tmp_path: Path) -> None:
    lines = rows(60)
    lines[7] = lines[7][: len(lines[7]) // 2]
    lines[9] = lines[9].replace(",", ",nan,", 1)[:12]
    log = read_log(table(tmp_path / "log.csv", lines), columns=MAP)
    assert log.meta["corrupt_rows"] == [8, 10]
    assert len(log.time) == 58


def test_a_table_of_mostly_text_is_refused(tmp_path: Path) -> None:
    lines = [line if k % 8 else "lost" for k, line in enumerate(rows(60))]
    with pytest.raises(FileError, match="8 of 60 rows"):
        read_log(table(tmp_path / "log.csv", lines), columns=MAP)


def test_a_table_without_a_map_or_with_the_wrong_one_says_what_to_do(
    tmp_path: Path,
) -> None:
    path = table(tmp_path / "log.csv", rows())
    with pytest.raises(FileError, match="--columns"):
        read_log(path)
    with pytest.raises(FileError, match="wants number 6"):
        read_log(path, columns=load_column_map("ur10e-dynamic-calibration"))
    with pytest.raises(UnknownNameError, match="ur10e-dynamic-calibration"):
        load_column_map("nothing")


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv.gz", rows(500))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileError, match="unpacked"):
        read_log(path, columns=MAP)


def test_a_map_in_the_wrong_unit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    content = MAP.model_dump(mode="json", exclude_none=True)
    content["effort"]["unit"] = "rad"
    path.write_text(json.dumps(content))
    with pytest.raises(FileError, match="effort is not in rad"):
        load_column_map(path)


def test_a_servo_log_keeps_goal_voltage_and_switch(tmp_path: Path) -> None:
    entries = [
        {
            "timestamp": 0.01 * k + 0.001 * (k % 2),
            "position": 0.1 * k,
            "goal_position": 0.2 * k,
            "input_volts": 7.3,
            "torque_enable": k < 5,
        }
        for k in range(20)
    ]
    path = tmp_path / "log.json.gz"
    with gzip.open(path, "wt") as file:
        json.dump({"kp": 100, "entries": entries}, file)
    log = read_log(path)
    assert log.meta["header"] == {"kp": 100}
    np.testing.assert_allclose(log.command[:, 0], 0.2 * np.arange(20))
    np.testing.assert_array_equal(log.command_time, log.time)
    assert log.signals["torque_enable"][:, 0].tolist() == [1.0] * 5 + [0.0] * 15
    with pytest.raises(MismatchError, match="one servo"):
        read_log(path, get_robot("ur5e"))


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"entries": [{"timestamp": "x", "position": 1}]}']
)
def test_other_json_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "log.json").write_text(content)
    with pytest.raises(ForearmError):
        read_log(tmp_path / "log.json")


@pytest.mark.data
def test_the_recorded_logs_are_read_completely(forearm_data: Path) -> None:
    preset = load_column_map("ur10e-dynamic-calibration")
    log = read_log(
        forearm_data / "ur10e/logs/ur-20_02_10-30sec_12harm.csv.gz", columns=preset
    )
    assert log.effort_unit == "A"
    # The controller's own velocity is the derivative of its position.
    slope = np.gradient(log.position, log.time, axis=0)
    assert np.abs(slope - log.velocity).mean() < 0.01
    servo = read_log(forearm_data / "xl330/logs/kp100_sin_sin.json.gz")
    assert servo.signals["input_volts"].mean() == pytest.approx(7.3, abs=0.3)
