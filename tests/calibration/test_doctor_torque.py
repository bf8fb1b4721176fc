"""Torques against the model: side, tool, order; real logs; the command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.doctor import check_log
from forearm.calibration.finding import CODES, Finding, LogRefusedError
from forearm.cli.main import main
from forearm.core.log import RunLog
from forearm.core.log_io import read_log, write_log
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")


def found(log: RunLog, code: str) -> Finding:
    (finding,) = [f for f in check_log(log, ROBOT).findings if f.code == code]
    return finding


def test_a_tool_the_model_lacks_is_weighed(record: Callable[..., RunLog]) -> None:
    spec = PlantSpec(
        timestep=0.002,
        sensor={"noise": 1e-4, "velocity_noise": 2e-3},
        payload={"mass": 1.5, "com": [0.02, 0.0, 0.06]},
    )
    finding = found(record(12.0, spec), "tool")
    mass = float(finding.sentence.split(" +- ")[0].split()[-1])
    assert mass == pytest.approx(1.5, abs=0.15)
    assert "more at the tool" in finding.sentence


def test_a_motor_side_torque_is_told_from_a_joint_torque(clean: RunLog) -> None:
    motor = dataclasses.replace(clean, effort=clean.effort / 100)
    assert "before the gear" in found(motor, "torque_side").sentence


def test_a_motor_current_keeps_its_gain_open(clean: RunLog) -> None:
    current = dataclasses.replace(clean, effort=clean.effort / 12, effort_unit="A")
    assert "without a known load" in found(current, "torque_side").sentence


def test_a_link_side_torque_holds_no_friction(record: Callable[..., RunLog]) -> None:
    none = {"viscous": [0.0] * 6, "coulomb": [0.0] * 6}
    spec = PlantSpec(timestep=0.002, params=none)
    finding = found(record(8.0, spec, seed=4), "torque_side")
    assert "link side" in finding.sentence


def test_torques_of_other_joints_are_refused(clean: RunLog) -> None:
    swap = [0, 2, 1, 3, 4, 5]
    names = ("position", "velocity", "effort", "command")
    wrong = dataclasses.replace(clean, **{n: getattr(clean, n)[:, swap] for n in names})
    with pytest.raises(LogRefusedError, match="exchanged; correct the joint names"):
        check_log(wrong, ROBOT)


@pytest.mark.data
def test_real_servo_logs_show_only_what_is_there(forearm_data: Path) -> None:
    logs = sorted((forearm_data / "xl330" / "logs").glob("*.json.gz"))
    assert logs
    for path in logs:
        codes = {f.code for f in check_log(read_log(path)).findings}
        expected = {"summary", "standstill"}
        if "lift_and_drop" in path.name:
            expected.add("torque_off")
            assert "torque_off" in codes
        assert codes <= expected, path.name


@pytest.mark.data
def test_real_arm_logs_show_only_what_is_there(forearm_data: Path) -> None:
    """The 30 Hz bag repeats every 48th state with a new stamp; nothing else is odd."""
    codes = {
        path.name.split("_")[0]: {f.code for f in check_log(read_log(path)).findings}
        for path in (forearm_data / "unisa").glob("*.db3")
    }
    assert codes == {"ur10": {"summary"}, "panda": {"summary", "duplicates"}}


def test_the_command_prints_and_writes_the_findings(
    clean: RunLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = dataclasses.replace(clean, velocity=clean.velocity * 180 / np.pi)
    write_log(tmp_path / "log", wrong)
    arguments = ["log", "check", str(tmp_path / "log"), "--robot", "ur5e"]
    assert main([*arguments, "--json", str(tmp_path / "f.json")]) == 0
    assert "velocity is in degrees" in capsys.readouterr().out
    content = json.loads((tmp_path / "f.json").read_text())
    units = [f for f in content["findings"] if f["code"] == "units"]
    assert units[0]["action"] == "converted"
    assert {f["code"] for f in content["findings"]} <= set(CODES)


def test_the_command_refuses_what_cannot_be_repaired(
    clean: RunLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "log", clean.crop(0.0, 0.05))
    assert main(["log", "check", str(tmp_path / "log"), "--robot", "ur5e"]) == 2
    assert "too few" in capsys.readouterr().err
