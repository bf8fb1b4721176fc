"""What is measured on recorded logs stays as good as it was."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.bench_effort import ur10e_current, ur10e_payload
from forearm.calibration.effort import calibrate_effort
from forearm.core.log_io import read_log
from forearm.core.robots import get_robot

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif("FOREARM_DATA" not in os.environ, reason="no $FOREARM_DATA"),
]


def data() -> Path:
    return Path(os.environ["FOREARM_DATA"])


def test_the_current_of_a_ur10e_is_predicted_on_logs_that_were_not_fitted() -> None:
    ladder, native = ur10e_current(data(), intervals=False)
    # The manufacturer's own model reaches 11.7 and 12.2 % on these two.
    for case, bounds in ((ladder, (8.5, 9.3)), (native, (9.1, 10.3))):
        for ending, bound in zip(("20sec_12harm", "20sec_7harm"), bounds, strict=True):
            name = next(n for n in case["held_out"] if n.endswith(ending))
            assert case["held_out"][name] <= bound
            assert case["held_out"][name] < case["nominal"][name]
            assert case["held_out"][name] < case["peer_error"][name]
            assert case["held_out"][name] > case["noise_floor"][name]


def test_an_unknown_load_is_weighed_within_its_interval() -> None:
    (case,) = ur10e_payload(data())
    (name,) = case["mass"]
    assert case["held_out"][name] <= 6.0
    low, high = case["interval_90"][name]
    assert low < 2.6 < high


def test_a_panda_at_30_hz_gets_no_negative_armature_and_nears_its_noise() -> None:
    robot = get_robot("panda")
    log = read_log(data() / "unisa" / "panda_exciting_trajectory.db3", robot)
    result = calibrate_effort([log], robot, holdout=0.4)
    assert (result.params.values(robot)["armature"] >= 0).all()
    table = result.as_json()["held_out"]
    # Joint 1 bears no gravity and hardly accelerates: its torque is mostly noise.
    assert table["after"] < table["noise_floor"] + 2.5
    assert table["after"] < table["before"]
    joints = [row["after"] for row in table["per_joint"].values()]
    assert np.median(joints) <= 13.0
