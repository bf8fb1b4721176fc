"""A planned motion stays inside every limit and tells more than a random one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.calibration.calibrate import calibrate
from forearm.calibration.excite import Plan, Planner
from forearm.calibration.path_check import PathCheck, PathLimits
from forearm.cli.main import main
from forearm.core.errors import FileError, LimitError, UnknownNameError
from forearm.core.log import RunLog, make_log
from forearm.core.motion import load_motion, save_motion
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec
from forearm.sim.trajectory import Trajectory

ROBOT = get_robot("ur5e")


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(ROBOT, seconds=8.0)


@pytest.fixture(scope="module")
def chosen(planner: Planner) -> Plan:
    return planner.optimize(np.random.default_rng(0), 120)


def play(plan: Plan) -> RunLog:
    """Record a stand-in arm whose trajectory controller runs at 250 Hz."""
    spec = PlantSpec(
        command_delay={"mean": 0.02},
        servo={"gain_error": -0.15},
        sensor={"noise": 1e-4, "velocity_noise": 2e-3},
    )
    plant, path = Plant(ROBOT, spec), Trajectory(plan.time, *plan.motion[:2])
    states, sent = [], []
    for tick in range(round(plan.time[-1] / 0.004)):
        command = path.at(plant.time)
        sent.append((plant.time, command))
        plant.command(command)
        plant.advance(0.004)
        if tick % 2:
            states.append(plant.read())
    rng = np.random.default_rng(0)
    effort = np.array([s.effort for s in states])
    return make_log(
        ROBOT.joint_names,
        np.array([s.time for s in states]),
        np.array([s.position for s in states]),
        np.array([s.velocity for s in states]),
        effort + 0.1 * rng.standard_normal(effort.shape),
        np.array([time for time, _ in sent]),
        np.array([command for _, command in sent]),
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_motion_is_inside_all_limits_and_rests_at_both_ends(
    planner: Planner, seed: int
) -> None:
    plan, limits = planner.random(np.random.default_rng(seed)), PathLimits()
    q, v, a, jerk = plan.motion
    room = 1 + 1e-9
    assert (q <= ROBOT.upper).all()
    assert (q >= ROBOT.lower).all()
    assert (np.abs(q - ROBOT.home) <= room * limits.range).all()
    for rows, name in ((v, "velocity"), (a, "acceleration"), (jerk, "jerk")):
        part = getattr(limits, name)
        assert (np.abs(rows) <= room * part * ROBOT.vector(name)).all()
        np.testing.assert_array_equal(rows[[0, -1]], 0.0)
    np.testing.assert_array_equal(q[[0, -1]], [ROBOT.home] * 2)
    # The derivatives are those of the positions: 1e-3 is the step of 10 ms squared.
    np.testing.assert_allclose(
        np.gradient(q, plan.time, axis=0)[2:-2], v[2:-2], atol=5e-3
    )
    np.testing.assert_allclose(
        np.gradient(v, plan.time, axis=0)[2:-2], a[2:-2], atol=5e-2
    )


def test_no_motion_touches_itself_or_the_table(chosen: Plan) -> None:
    anywhere = PathLimits(box=((-9, 9), (-9, 9), (-9, 9)))
    check = PathCheck(ROBOT, anywhere, ROBOT.home)
    assert check.refused(chosen.motion[0]) == ""
    for joint, turn, names in ((2, 1.3, "arm"), (1, 1.4, "table")):
        there = ROBOT.home.copy()
        there[joint] += turn
        why = check.refused(np.linspace(ROBOT.home, there, 60))
        assert "comes within" in why
        assert names in why


def test_the_tool_stays_in_its_box() -> None:
    box = ((-1.0, 1.0), (-0.3, 0.3), (0.3, 0.8))
    limits = PathLimits(box=box)
    free = Planner(ROBOT, seconds=8.0).random(np.random.default_rng(3))
    check = PathCheck(ROBOT, limits, ROBOT.home)
    assert "the tool's" in check.refused(free.motion[0])
    kept = Planner(ROBOT, seconds=8.0, limits=limits).random(np.random.default_rng(3))
    assert check.refused(kept.motion[0]) == ""


def test_the_planned_motion_promises_more_than_any_of_ten_random_ones(
    planner: Planner, chosen: Plan
) -> None:
    others = [planner.random(np.random.default_rng(seed)) for seed in range(10)]
    assert chosen.score > max(other.score for other in others) + 3.0
    ratio = np.mean([np.log(o.widths / chosen.widths).mean() for o in others])
    assert ratio > np.log(1.15)


@pytest.mark.slow
def test_the_intervals_on_a_plant_are_no_wider_than_promised(chosen: Plan) -> None:
    params = calibrate([play(chosen)], ROBOT).params.params
    found = []
    for name in chosen.names:
        kind, index = name.rstrip("]").split("[")
        deviations = params[kind].std
        assert deviations is not None
        found.append(1.645 * deviations[int(index)])
    ratio = np.log(np.array(found) / chosen.widths)
    assert ratio.max() < 0.0
    # Torques, which this arm tells and a plan does not count on, narrow them further.
    assert ratio.mean() > np.log(1 / 6)


def test_a_longer_motion_promises_narrower_intervals() -> None:
    rng = np.random.default_rng
    short, long = (Planner(ROBOT, seconds=s).random(rng(0)) for s in (8.0, 32.0))
    assert np.median(short.widths / long.widths) > 1.5


def test_a_payload_is_planned_for_by_tilting_it() -> None:
    parameters = ("payload_mass", "payload_com")
    plan = Planner(ROBOT, parameters=parameters, seconds=8.0).optimize(
        np.random.default_rng(0), 20
    )
    assert plan.names == ["payload_mass[0]", *(f"payload_com[{i}]" for i in range(3))]
    assert (plan.widths < 0.2 * plan.prior).all()


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"'backlash'; valid: .*armature"):
        Planner(ROBOT, parameters=("backlash",))
    with pytest.raises(LimitError, match=r"seconds must lie in \[6.0, 120.0\], got 1"):
        Planner(ROBOT, seconds=1.0)
    with pytest.raises(LimitError, match="start pose is not allowed"):
        Planner(ROBOT, limits=PathLimits(box=((0, 1), (0, 1), (2.0, 3.0))))


def test_the_command_writes_a_trajectory_and_its_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, data = tmp_path / "t.yaml", tmp_path / "t.json"
    arguments = ["excite", "--robot", "ur5e", "--out", str(out), "--seconds", "8"]
    arguments += ["--evaluations", "10", "--parameters", "armature,viscous"]
    assert main([*arguments, "--json", str(data)]) == 0
    motion = load_motion(out, ROBOT)
    assert motion.time[-1] == pytest.approx(8.0)
    values = json.loads(data.read_text())["values"]
    assert len(values) == 12
    assert values["armature[0]"]["half_width_90"] < values["armature[0]"]["prior"]
    assert "armature[0]" in capsys.readouterr().out


def test_a_trajectory_outside_the_limits_is_refused(
    planner: Planner, tmp_path: Path
) -> None:
    plan = planner.random(np.random.default_rng(0))
    wide = [8.0 * (m - m[0]) + m[0] for m in plan.motion]
    save_motion(tmp_path / "t.yaml", dataclasses.replace(plan, motion=wide).as_motion())
    with pytest.raises(FileError, match="leaves the arm's limits"):
        load_motion(tmp_path / "t.yaml", ROBOT)
    with pytest.raises(FileError, match="not 'ur10e'"):
        load_motion(tmp_path / "t.yaml", get_robot("ur10e"))


def test_the_command_needs_one_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["excite", "--robot", "ur5e"]) == 2
    assert "either --out TRAJ" in capsys.readouterr().err
