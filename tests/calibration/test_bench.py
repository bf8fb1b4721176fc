"""The calibration bench: one case by name, a page, and mujoco.sysid beside it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from forearm.calibration import bench
from forearm.calibration.bench_rollout import random_plant
from forearm.calibration.peer_sysid import sysid_servo
from forearm.calibration.pendulum import Bench
from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.log import Floats, RunLog, make_log
from forearm.core.robots import get_robot

ROBOT = get_robot("xl330")
STAMPS = np.arange(0.0, 1.0, 0.01)


def _log(position: Floats) -> RunLog:
    return make_log(
        ROBOT.joint_names,
        STAMPS,
        position[:, None],
        command_time=STAMPS,
        command=0.4 * np.sin(5.0 * STAMPS)[:, None],
        header={"mass": 0.49, "length": 0.1, "kp": 400, "vin": 7.4},
    )


def test_a_case_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(UnknownNameError, match="xl330_servo"):
        bench.run(only="xl300")
    with pytest.raises(LimitError, match="at least 1"):
        bench.run(only="hidden_plants", plants=0)


def test_the_page_shows_errors_and_peers_side_by_side() -> None:
    case = {"data": "d", "model": "m", "held_out": {"a": 1.25, "b": None}, "unit": "%"}
    peer = {"peer": "p", "peer_error": {"a": 2.5}}
    times = {"seconds": 0.5, "peer_seconds": 3.0, "peer_cpu_seconds": 2.0}
    page = bench.markdown({"cases": [{**case, **peer, **times}]})
    assert "| d | m | a 1.25 | % | 0.5 | p | a 2.5 | 3.0, 2.0 of processor |" in page


def test_random_plants_differ_and_are_the_same_for_a_seed() -> None:
    robot = get_robot("ur5e")
    assert random_plant(robot, 3) == random_plant(robot, 3)
    assert random_plant(robot, 3) != random_plant(robot, 4)


def test_mujoco_sysid_fits_the_same_servo_we_simulate() -> None:
    sysid = importlib.import_module("mujoco.sysid")
    if not hasattr(sysid, "optimize"):
        pytest.skip("mujoco.sysid lacks packages: pip install 'forearm[peers]'")
    truth = {"kp": 0.9, "kv": 0.05, "armature": 0.002, "viscous": 0.01, "coulomb": 0.01}
    values = {name: np.array([[value]]) for name, value in truth.items()}
    probe = Bench([_log(np.zeros(len(STAMPS)))])
    log = _log(probe.at_samples(probe.run(values))[0][0])
    found, seconds = sysid_servo(ROBOT, [log])
    assert seconds > 0
    # The start is 80 mrad off: what it found is applied to what it simulates.
    assert Bench([log]).errors(found)[0, 0] < 0.008
