"""Payload, tilt and encoder offsets are found, and intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from forearm.calibration.bench_rollout import judge_plant
from forearm.calibration.calibrate import calibrate
from forearm.calibration.record import record_plant
from forearm.calibration.result import Result
from forearm.calibration.unknowns import BLOCKS, SERVO, Unknowns
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
OFFSET = 0.004
SPEC = PlantSpec.model_validate(
    {
        "command_delay": {"mean": 0.0173},
        "sensor": {"noise": 1e-4, "velocity_noise": 2e-3, "offset": OFFSET},
        "payload": {"mass": 1.7, "com": [0.02, -0.01, 0.06]},
        "base_tilt": [0.02, -0.015],
    }
)


@pytest.fixture(scope="module")
def result() -> Result:
    return calibrate([record_plant(ROBOT, SPEC, 30.0, np.random.default_rng(0))], ROBOT)


@pytest.mark.parametrize(
    ("name", "truth", "tolerance"),
    [
        ("payload_mass", [1.7], 0.034),
        ("payload_com", [0.02, -0.01, 0.06], 0.01),
        ("base_tilt", [0.02, -0.015], np.deg2rad(0.2)),
        ("command_delay", [0.0173], 0.0005),
        ("encoder_offset", [OFFSET] * 6, 0.0005),
    ],
)
def test_what_the_arm_carries_and_stands_on_is_found(
    result: Result, name: str, truth: list[float], tolerance: float
) -> None:
    found = result.params.params[name]
    np.testing.assert_allclose(found.value, truth, atol=tolerance)
    assert set(found.provenance) == {"measured"}


def test_ninety_percent_intervals_hold_most_of_the_truth(result: Result) -> None:
    judged = judge_plant(result, SPEC, ROBOT)
    hits = [h for _, hit in judged.values() for h in hit]
    assert len(hits) > 40
    assert np.mean(hits) >= 0.85
    # The plant's sensors are off by OFFSET, which its params do not say: judged against
    # them, six true values would never be inside.
    assert judged["encoder_offset"][0] < 0.1 * OFFSET


def test_the_error_is_told_against_horizon_beside_the_noise(result: Result) -> None:
    held = result.as_json()["held_out"]
    assert [row["seconds"] for row in held["horizons"]] == [0.1, 0.5, 2.0]
    last = held["horizons"][-1]
    assert last["tool"]["after"] < 0.1 * last["tool"]["before"]
    for name in ROBOT.joint_names:
        # The plant's 0.1 mrad; the estimate comes from what the fit leaves.
        assert 0.08 < held["noise_floor"]["per_joint"][name] < 0.2
        assert last["per_joint"][name]["after"] < 0.5


def test_the_vector_and_the_values_say_the_same() -> None:
    unknowns = Unknowns(ROBOT, tuple(BLOCKS))
    rng = np.random.default_rng(0)
    vector = np.clip(
        unknowns.center + 0.1 * unknowns.prior * rng.uniform(0, 1, unknowns.size),
        unknowns.low,
        unknowns.high,
    )
    again = unknowns.vector(unknowns.values(vector))
    np.testing.assert_allclose(again, vector, atol=1e-9)
    labels, slopes = unknowns.natural(vector)
    assert len(labels) == len(slopes) == unknowns.size
    step = 1e-6
    for column in (unknowns.places["kp"].start, unknowns.places["payload_mass"].start):
        moved = vector.copy()
        moved[column] += step
        before, after = unknowns.values(vector), unknowns.values(moved)
        change = (after["payload_com"] - before["payload_com"]) / step
        rows = [labels.index(f"payload_com[{i}]") for i in range(3)]
        np.testing.assert_allclose(slopes[rows, column], change, atol=1e-4)


def test_a_long_step_moves_a_value_as_far_as_the_slopes_say() -> None:
    unknowns = Unknowns(ROBOT, tuple(BLOCKS))
    place, delay = unknowns.places["armature"], unknowns.places["command_delay"]
    low = unknowns.center.copy()
    low[place] -= np.log(8.0)
    step = np.zeros(unknowns.size)
    # Seven times itself more is the slope of the torque up to nominal.
    step[place], step[delay] = 7.0, 0.01
    moved = unknowns.moved(low, step)
    np.testing.assert_allclose(moved[place], unknowns.center[place])
    np.testing.assert_allclose(moved[delay], low[delay] + 0.01)
    # Down by more than itself is not a value that can be: a fifth is left.
    moved = unknowns.moved(unknowns.center, -step)
    np.testing.assert_allclose(moved[place], unknowns.center[place] + np.log(0.2))
    assert moved[delay] == unknowns.low[delay]


def test_the_servo_alone_leaves_the_load_out() -> None:
    assert "payload_mass" not in Unknowns(ROBOT, SERVO).values(
        Unknowns(ROBOT, SERVO).center
    )
