"""Drift names what changed and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.calibrate import Result, calibrate
from forearm.calibration.drift import drift
from forearm.calibration.envelope import envelope
from forearm.calibration.posterior_file import posterior_randomization
from forearm.cli.main import main
from forearm.core.log import RunLog
from forearm.core.log_io import write_log
from forearm.core.params import nominal_values, save_params
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
NOMINAL = nominal_values(ROBOT)
SENSOR = {"noise": 1e-4, "velocity_noise": 2e-3}
Record = Callable[..., RunLog]


@pytest.fixture(scope="module")
def old(clean: RunLog) -> Result:
    return calibrate([clean], ROBOT)


def changed(record: Record, **effects: object) -> RunLog:
    spec = {"sensor": SENSOR, **effects}
    return record(12.0, PlantSpec.model_validate(spec), seed=0)


def test_more_friction_in_one_joint_is_named(record: Record, old: Result) -> None:
    coulomb = NOMINAL["coulomb"] * [1, 1, 1.8, 1, 1, 1]
    log = changed(record, params={"coulomb": coulomb.tolist()})
    found = drift([log], ROBOT, old.params)
    assert found.changes[0].value == "coulomb[2]"
    assert found.changes[0].after == pytest.approx(coulomb[2], rel=0.15)
    assert found.groups["friction"] > 3
    assert found.groups["payload"] == found.groups["gain"] == 0


def test_a_weaker_servo_is_a_gain(record: Record, old: Result) -> None:
    log = changed(record, servo={"gain_error": [0, -0.2, 0, 0, 0, 0]})
    found = drift([log], ROBOT, old.params)
    assert found.groups["gain"] > 3
    assert {c.value for c in found.changes if c.group == "gain"} == {"kp[1]", "kv[1]"}
    assert found.groups["friction"] == found.groups["payload"] == 0


def test_a_longer_command_path_is_a_delay(record: Record, old: Result) -> None:
    log = changed(record, command_delay={"mean": 0.03})
    found = drift([log], ROBOT, old.params)
    (delay,) = [c for c in found.changes if c.group == "delay"]
    assert delay.after - delay.before == pytest.approx(0.03, abs=0.003)
    assert found.groups["payload"] == found.groups["friction"] == 0


def test_a_load_is_told_from_friction(record: Record, old: Result) -> None:
    log = changed(record, payload={"mass": 2.0, "com": (0.0, 0.0, 0.05)})
    found = drift([log], ROBOT, old.params)
    (load,) = [c for c in found.changes if c.value == "payload_mass[0]"]
    assert load.after == pytest.approx(2.0, abs=0.3)
    assert (
        any("weigh it first" in s for s in found.sentences()) or len(found.changes) == 1
    )


def test_the_command_says_what_changed(
    record: Record, old: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_params(tmp_path / "p.yaml", old.params)
    write_log(tmp_path / "log", changed(record, command_delay={"mean": 0.03}))
    arguments = ["drift", str(tmp_path / "log"), "--params", str(tmp_path / "p.yaml")]
    assert main([*arguments, "--json", str(tmp_path / "d.json")]) == 0
    assert "command_delay" in capsys.readouterr().out
    content = json.loads((tmp_path / "d.json").read_text())
    assert content["groups"]["delay"] > 3


def test_the_recorded_motion_lies_inside_the_envelope(old: Result) -> None:
    drawn = posterior_randomization(old.params, ROBOT)
    found = envelope(ROBOT, old.params, drawn, old.held, np.random.default_rng(0))
    assert min(found.inside.values()) > 0.9
    assert found.findings() == []
    # An envelope that holds everything says nothing.
    assert max(found.width.values()) < 0.05
