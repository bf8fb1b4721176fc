"""What is measured on recorded logs stays as good as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.bench_effort import panda_torque, ur10e_current, ur10e_payload

pytestmark = [pytest.mark.data, pytest.mark.slow]


def test_the_current_of_a_ur10e_is_predicted_on_logs_that_were_not_fitted(
    forearm_data: Path,
) -> None:
    ladder, native = ur10e_current(forearm_data, intervals=False)
    # The manufacturer's own model reaches 11.7 and 12.2 % on these two.
    for case, bounds in ((ladder, (8.5, 9.3)), (native, (9.1, 10.3))):
        for ending, bound in zip(("20sec_12harm", "20sec_7harm"), bounds, strict=True):
            name = next(n for n in case["held_out"] if n.endswith(ending))
            assert case["held_out"][name] <= bound
            assert case["held_out"][name] < case["nominal"][name]
            assert case["held_out"][name] < case["peer_error"][name]
            assert case["held_out"][name] > case["noise_floor"][name]


def test_an_unknown_load_is_weighed_within_its_interval(forearm_data: Path) -> None:
    (case,) = ur10e_payload(forearm_data)
    (name,) = case["mass"]
    assert case["held_out"][name] <= 6.0
    low, high = case["interval_90"][name]
    assert low < 2.6 < high


def test_a_panda_at_30_hz_gets_no_negative_armature_and_nears_its_noise(
    forearm_data: Path,
) -> None:
    for case in panda_torque(forearm_data):
        assert min(case["armature"]) >= 0
        # Joint 1 bears no gravity and hardly accelerates: its torque is mostly noise.
        raw, floor = case["held_out"]["last 40 %"], case["noise_floor"]
        assert floor < raw < floor + 2.5
        assert case["held_out"]["last 40 %, noise filtered out"] <= 13.0
        assert np.median(case["per_joint"]) <= 13.0
