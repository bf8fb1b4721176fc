"""Calibration finds a hidden truth, predicts better, and says what it cannot."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.calibrate import Result, calibrate
from forearm.cli.main import main
from forearm.core.errors import ForearmError, MismatchError
from forearm.core.log import RunLog, make_log
from forearm.core.log_io import write_log
from forearm.core.params import load_params, nominal_values
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
NOMINAL = nominal_values(ROBOT)
TRUTH = {
    "kp": NOMINAL["kp"] * [0.8, 1.2, 0.85, 1.25, 0.8, 1.2],
    "kv": NOMINAL["kv"] * [1.2, 0.8, 1.15, 0.85, 1.2, 0.9],
    "armature": NOMINAL["armature"] * [1.4, 0.7, 1.3, 0.7, 1.4, 0.8],
    "viscous": NOMINAL["viscous"] * [0.6, 1.6, 1.5, 0.6, 1.6, 0.6],
    "coulomb": NOMINAL["coulomb"] * [1.6, 0.6, 0.7, 1.5, 0.6, 1.7],
    "command_delay": np.array([0.024]),
}
"""The hidden plant: every parameter a fifth to two thirds from nominal."""


def drive(seconds: float) -> RunLog:
    """Record the hidden plant: commands at 50 Hz, states at 100 Hz."""
    spec = PlantSpec(
        params={name: value.tolist() for name, value in TRUTH.items()},
        sensor={"noise": 1e-4, "velocity_noise": 2e-3},
    )
    plant, rng = Plant(ROBOT, spec), np.random.default_rng(0)
    rate = rng.uniform(0.3, 1.6, (3, ROBOT.n))
    phase = rng.uniform(0, 2 * np.pi, (3, ROBOT.n))
    states, sent = [], []
    for tick in range(round(seconds * 100)):
        if tick % 2 == 0:
            wave = 0.12 / rate * np.sin(2 * np.pi * rate * plant.time + phase)
            command = ROBOT.home + min(1.0, plant.time) * wave.sum(axis=0)
            plant.command(command)
            sent.append((plant.time, command))
        plant.advance(0.01)
        states.append(plant.read())
    effort = np.array([s.effort for s in states])
    return make_log(
        ROBOT.joint_names,
        np.array([s.time for s in states]),
        np.array([s.position for s in states]),
        np.array([s.velocity for s in states]),
        effort + 0.1 * rng.standard_normal(effort.shape),
        np.array([time for time, _ in sent]),
        np.array([command for _, command in sent]),
        source="a hidden plant",
    )


@pytest.fixture(scope="module")
def log() -> RunLog:
    return drive(15.0)


@pytest.fixture(scope="module")
def result(log: RunLog) -> Result:
    return calibrate([log], ROBOT)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("kp", 0.02),
        ("kv", 0.02),
        ("viscous", 0.05),
        ("coulomb", 0.05),
        ("armature", 0.05),
    ],
)
def test_the_hidden_truth_is_found(result: Result, name: str, tolerance: float) -> None:
    found = result.params.params[name]
    np.testing.assert_allclose(found.value, TRUTH[name], rtol=tolerance)
    assert found.provenance == ["measured"] * ROBOT.n


def test_the_step_the_gains_hold_for_is_told(result: Result) -> None:
    physics = {"timestep": 0.001, "integrator": "implicitfast"}
    assert result.params.notes["physics"] == physics
    assert any("implicitfast at 1 ms" in finding for finding in result.findings)


def test_the_hidden_delay_is_found_within_half_a_millisecond(result: Result) -> None:
    (delay,) = result.params.params["command_delay"].value
    assert abs(delay - 0.024) < 0.0005


def test_the_held_out_part_is_predicted_better_on_every_joint(result: Result) -> None:
    assert result.after < 0.2 * result.before
    for errors in result.per_joint.values():
        assert errors["after"] < errors["before"]
        assert errors["effort_after"] < errors["effort_before"]


def test_the_covariance_belongs_to_the_measured_values(result: Result) -> None:
    covariance, params = result.params.covariance, result.params.params
    assert covariance is not None
    matrix = np.array(covariance.matrix)
    index = covariance.names.index("kp[2]")
    assert params["kp"].std is not None
    np.testing.assert_allclose(np.sqrt(matrix[index, index]), params["kp"].std[2])
    assert result.unidentifiable == []


def test_without_torques_it_predicts_better_and_leaves_their_scale_open(
    log: RunLog, result: Result
) -> None:
    silent = dataclasses.replace(log, effort=np.zeros((0, ROBOT.n))).crop(0.0, 4.5)
    found = calibrate([silent], ROBOT)
    kp, known = found.params.params["kp"], result.params.params["kp"]
    assert found.after < found.before
    assert kp.std is not None
    assert known.std is not None
    assert (np.array(kp.std) > 3 * np.array(known.std)).all()
    assert any("common scale" in finding for finding in found.findings)


def test_the_command_writes_all_files_and_keeps_a_still_joint_a_guess(
    log: RunLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("position", "velocity", "effort", "command")
    still = {name: getattr(log, name).copy() for name in names}
    for rows in still.values():
        rows[:, 5] = 0.0
    write_log(tmp_path / "log", dataclasses.replace(log, **still).crop(0.0, 4.0))
    out, report, data = (tmp_path / n for n in ("params.yaml", "r.html", "r.json"))
    arguments = ["calibrate", str(tmp_path / "log"), "--robot", "ur5e"]
    arguments += ["--out", str(out), "--report", str(report), "--json", str(data)]
    assert main(arguments) == 0
    content = json.loads(data.read_text())
    held_out = content["held_out"]
    assert held_out["after"] < held_out["before"]
    assert held_out["unit"] == "mrad"
    assert set(held_out["per_joint"]) == set(ROBOT.joint_names)
    said = capsys.readouterr().out
    assert f"{held_out['after']:.2f} mrad calibrated" in said
    assert "wrist_3_joint moves only" in said
    params = load_params(out, ROBOT).params
    assert params["kp"].std is not None
    assert params["armature"].provenance == [*["measured"] * 5, "guess"]
    assert params["armature"].value[5] == pytest.approx(NOMINAL["armature"][5])
    page = report.read_text(encoding="utf-8")
    assert "armature of wrist_3_joint" in page
    assert "Plotly.newPlot" in page
    assert "<script src=" not in page


def test_a_log_of_other_joints_is_refused(log: RunLog) -> None:
    other = dataclasses.replace(log, joints=("a", "b", "c", "d", "e", "f"))
    with pytest.raises(MismatchError, match=r"shoulder_pan_joint.*check --robot"):
        calibrate([other], ROBOT)


def test_a_log_without_commands_is_refused(log: RunLog) -> None:
    silent = dataclasses.replace(
        log, command_time=np.zeros(0), command=np.zeros((0, ROBOT.n))
    )
    with pytest.raises(ForearmError, match="no joint commands"):
        calibrate([silent], ROBOT)


def test_a_log_without_motion_is_refused(log: RunLog) -> None:
    rows = {n: np.repeat(getattr(log, n)[:1], 1500, 0) for n in ("position", "effort")}
    still = dataclasses.replace(log, **rows, velocity=np.zeros((0, ROBOT.n)))
    with pytest.raises(ForearmError, match="record a longer motion"):
        calibrate([still], ROBOT)
