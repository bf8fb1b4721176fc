"""The doctor finds each planted defect, says what it did, and leaves sound logs be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from forearm.calibration.doctor import Checkup, check_log
from forearm.calibration.finding import LogRefusedError
from forearm.core.log import RunLog
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
DEGREE = 180 / np.pi
SWAP = [0, 1, 3, 2, 4, 5]
FLIP = np.array([1.0, -1, 1, 1, 1, 1])


def codes(checkup: Checkup) -> set[str]:
    return {f.code for f in checkup.findings} - {"summary"}


def with_(log: RunLog, **changes: Any) -> RunLog:
    return dataclasses.replace(log, **changes)


def test_a_sound_log_has_no_finding_and_is_not_changed(clean: RunLog) -> None:
    checkup = check_log(clean, ROBOT)
    assert codes(checkup) == set()
    for name in ("time", "position", "velocity", "effort", "command", "command_time"):
        np.testing.assert_array_equal(getattr(checkup.log, name), getattr(clean, name))


def test_a_slow_arm_with_a_long_command_path_is_sound(
    record: Callable[..., RunLog],
) -> None:
    spec = PlantSpec(
        timestep=0.002, command_delay={"mean": 0.15}, servo={"gain_error": -0.25}
    )
    assert codes(check_log(record(8.0, spec, seed=3), ROBOT)) == set()


REPAIRED: dict[str, tuple[str, str, Callable[[RunLog], dict[str, Any]]]] = {
    "positions in degrees": (
        "units",
        "position is in degrees",
        lambda g: {"position": g.position * DEGREE},
    ),
    "everything in degrees": (
        "units",
        "velocity is in degrees",
        lambda g: (
            {n: getattr(g, n) * DEGREE for n in ("position", "velocity")}
            | {"command": g.command * DEGREE}
        ),
    ),
    "velocities in degrees": (
        "units",
        "velocity is in degrees",
        lambda g: {"velocity": g.velocity * DEGREE},
    ),
    "commands in degrees": (
        "units",
        "command is in degrees",
        lambda g: {"command": g.command * DEGREE},
    ),
    "positions converted twice": (
        "units",
        "position is converted from degrees twice",
        lambda g: {"position": g.position / DEGREE},
    ),
    "velocities converted twice": (
        "units",
        "velocity is converted from degrees twice",
        lambda g: {"velocity": g.velocity / DEGREE},
    ),
    "commands in another order": (
        "joint_order",
        "columns of command",
        lambda g: {"command": g.command[:, SWAP]},
    ),
    "velocities in another order": (
        "joint_order",
        "columns of velocity",
        lambda g: {"velocity": g.velocity[:, SWAP]},
    ),
    "positions in another order": (
        "joint_order",
        "columns of position",
        lambda g: {"position": g.position[:, SWAP]},
    ),
    "a command with the wrong sign": (
        "sign",
        "command of shoulder_lift_joint",
        lambda g: {"command": g.command * FLIP},
    ),
    "a velocity with the wrong sign": (
        "sign",
        "velocity of shoulder_lift_joint",
        lambda g: {"velocity": g.velocity * FLIP},
    ),
    "a position with the wrong sign": (
        "sign",
        "position of shoulder_lift_joint",
        lambda g: {"position": g.position * FLIP},
    ),
    "a torque with the wrong sign": (
        "sign",
        "effort of shoulder_lift_joint",
        lambda g: {"effort": g.effort * FLIP},
    ),
}


@pytest.mark.parametrize("defect", REPAIRED)
def test_a_defect_of_whole_columns_is_named_and_put_right(
    clean: RunLog, defect: str
) -> None:
    code, words, plant = REPAIRED[defect]
    checkup = check_log(with_(clean, **plant(clean)), ROBOT)
    assert codes(checkup) == {code}
    found = [f for f in checkup.findings if f.code == code]
    assert any(words in f.sentence for f in found)
    assert all(f.action in ("converted", "reordered") for f in found)
    for name in ("position", "velocity", "effort", "command"):
        np.testing.assert_allclose(
            getattr(checkup.log, name), getattr(clean, name), rtol=1e-9
        )


@pytest.mark.parametrize("offset", [-0.6, 1.7])
def test_commands_of_another_clock_are_moved_back(clean: RunLog, offset: float) -> None:
    late = with_(clean, command_time=clean.command_time + offset)
    checkup = check_log(late, ROBOT)
    assert "clock_offset" in codes(checkup)
    # The servo's own lag is nominal 0.1 s of the large joints, 0.05 of the wrist.
    error = checkup.log.command_time - clean.command_time
    assert np.abs(error).max() < 0.05
    assert checkup.log.meta["command_shift"] == pytest.approx(-offset, abs=0.05)


def test_corrupt_rows_are_left_out_and_named(clean: RunLog) -> None:
    position = clean.position.copy()
    position[[40, 41, 300], 2] = np.nan
    checkup = check_log(with_(clean, position=position), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "corrupt_rows"]
    assert finding.rows == ((40, 41), (300, 300))
    assert finding.action == "dropped"
    assert "rows 40-41, 300" in finding.sentence
    assert len(checkup.log.time) == len(clean.time) - 3


def test_a_log_of_mostly_corrupt_rows_is_refused(clean: RunLog) -> None:
    position = clean.position.copy()
    position[::10] = np.inf
    with pytest.raises(LogRefusedError, match=r"120 of 1200 rows .* first is row 0"):
        check_log(with_(clean, position=position), ROBOT)


def test_what_the_reader_left_out_is_said(clean: RunLog) -> None:
    meta = {"corrupt_rows": [4, 9], "corrupt_count": 2, "dropped_states": 3}
    checkup = check_log(with_(clean, meta=meta), ROBOT)
    assert codes(checkup) == {"corrupt_rows", "old_stamps"}


def test_a_spike_is_left_out(clean: RunLog) -> None:
    position = clean.position.copy()
    position[500, 1] += 0.6
    checkup = check_log(with_(clean, position=position), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "spikes"]
    assert finding.rows == ((500, 500),)


def test_repeated_states_are_left_out(clean: RunLog) -> None:
    time = np.repeat(clean.time, 2)
    time[1::2] += 0.005
    rows = {n: np.repeat(getattr(clean, n), 2, 0) for n in ("position", "velocity")}
    twice = with_(clean, time=time, effort=np.repeat(clean.effort, 2, 0), **rows)
    checkup = check_log(twice, ROBOT)
    assert "duplicates" in codes(checkup)
    assert len(checkup.log.time) < 1.1 * len(clean.time)


def test_a_gap_is_named_with_its_rows(clean: RunLog) -> None:
    keep = np.ones(len(clean.time), np.bool_)
    keep[400:460] = False
    rows = {n: getattr(clean, n)[keep] for n in ("time", "position", "velocity")}
    checkup = check_log(with_(clean, effort=clean.effort[keep], **rows), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "gaps"]
    assert finding.rows == ((399, 400),)
    assert "0.61 s" in finding.sentence


def test_torque_at_the_known_limit_is_kept(clean: RunLog) -> None:
    effort = clean.effort.copy()
    effort[600:640, 1] = ROBOT.joints[1].effort
    checkup = check_log(with_(clean, effort=effort), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "saturation"]
    assert (finding.rows, finding.action) == (((600, 639),), "kept")


def test_rows_at_an_unknown_torque_limit_are_left_out(clean: RunLog) -> None:
    limit = 0.6 * np.abs(clean.effort[:, 1]).max()
    effort = clean.effort.copy()
    effort[:, 1] = np.clip(effort[:, 1], -limit, limit)
    checkup = check_log(with_(clean, effort=effort), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "saturation"]
    assert finding.action == "dropped"
    # Short peaks below the doctor's five rows may stay.
    at_limit = (np.abs(g.effort[:, 1]) >= limit for g in (checkup.log, clean))
    left, planted = (int(flags.sum()) for flags in at_limit)
    assert left < 0.5 * planted


def test_a_servo_switched_off_is_noticed_and_left_out(clean: RunLog) -> None:
    effort = clean.effort.copy()
    effort[700:760] = 0.0
    checkup = check_log(with_(clean, effort=effort), ROBOT)
    (finding,) = [f for f in checkup.findings if f.code == "torque_off"]
    assert (finding.rows, finding.action) == (((700, 759),), "dropped")


def test_a_log_mostly_at_rest_says_so(clean: RunLog) -> None:
    still = clean.crop(0.0, 4.0)
    pause = np.repeat(still.position[-1:], 400, 0)
    longer = with_(
        still,
        time=np.append(still.time, still.time[-1] + 0.01 * np.arange(1, 401)),
        position=np.vstack([still.position, pause]),
        velocity=np.zeros((0, 6)),
        effort=np.zeros((0, 6)),
    )
    assert {"standstill", "no_velocity"} <= codes(check_log(longer, ROBOT))
