import numpy as np
import pytest

from forearm.calibration.latency import Latency
from forearm.calibration.motion_delay import calibrated_delay, motion_delay
from forearm.core.errors import ForearmError
from forearm.core.histogram import Histogram
from forearm.core.log import make_log
from forearm.core.params import Params
from forearm.core.timing import Measured, TimingRecord
from forearm.sim.plant_spec import PlantSpec
from forearm.sim.presets import PRESETS
from forearm.sim.randomization_file import load_randomization, save_randomization


def spec(delay):
    sensor = {"noise": 2e-5, "velocity_noise": 2e-3}
    return PlantSpec(command_delay={"mean": delay}, sensor=sensor)


@pytest.fixture(scope="module")
def late(record):
    return record(5.0, spec(0.03))


def record_of(run=1.0, **values):
    histograms = {}
    for name, times in values.items():
        histogram = Histogram()
        for value in times:
            histogram.add(value)
        histograms[name] = histogram.content()
    return TimingRecord(
        run=run, control_dt=0.02, ticks=90, missed=10, histograms=histograms
    )


# 3 ms: a third of the time between two of the log's joint states.
def test_the_delay_of_a_plant_is_found_without_its_servos_lag(late, record):
    assert motion_delay(late).delay == pytest.approx(0.03, abs=3e-3)
    assert motion_delay(record(5.0, spec(0.0))).delay < 3e-3


def test_every_part_of_the_log_gives_the_delay_too(late):
    found = motion_delay(late)
    assert len(found.segments) == 3
    assert np.abs(found.segments - 0.03).max() < 3e-3
    assert found.quantile(0.0) <= found.delay + 3e-3


def test_a_log_in_which_nothing_moves_has_no_delay(late):
    still = np.zeros_like(late.position)
    log = make_log(
        late.joints,
        late.time,
        late.position,
        still,
        command_time=late.command_time,
        command=late.command,
    )
    with pytest.raises(ForearmError, match="no joint moves"):
        motion_delay(log)
    with pytest.raises(ForearmError, match="too few"):
        motion_delay(late.crop(0.0, 0.1))


def test_the_ranges_are_what_was_measured(late):
    ages = np.linspace(0.008, 0.012, 100)
    work = np.concatenate([np.full(60, 0.001), np.full(40, 0.004)])
    record = record_of(sensor_age=ages, command=work, lateness=[0.002] * 100)
    ranges = Latency.of(late, Measured([record]), motion_delay(late)).ranges()
    low, high = ranges["command_delay"]
    assert 0.028 <= low <= high <= 0.035
    assert ranges["sensor_delay"] == pytest.approx((0.008, 0.012), rel=0.07)
    assert ranges["command_drop"] == pytest.approx((0.0, 0.1), abs=1e-6)
    assert ranges["period_jitter"][1] == pytest.approx(0.1, rel=0.07)
    assert ranges["command_jitter"][1] == pytest.approx(0.003 / 3.912, rel=0.1)


def test_the_file_replaces_the_presets_delays_and_nothing_else(late, tmp_path):
    record = record_of(sensor_age=[0.011] * 50, command=[0.0004] * 50)
    found = Latency.of(late, Measured([record]), motion_delay(late))
    save_randomization(
        tmp_path / "r.yaml", found.randomization(PRESETS["light"], "ur5e")
    )
    terms = load_randomization(tmp_path / "r.yaml").terms
    assert terms["command_delay"].low > 0.025
    assert terms["sensor_delay"].low > 0.01
    assert terms["kp"] == PRESETS["light"].terms["kp"]
    # Smaller than what any arm can feel: the audit would call it a mistake.
    assert "command_jitter" not in terms


def test_without_a_nodes_records_the_log_alone_speaks(late):
    ranges = Latency.of(late, Measured([]), motion_delay(late)).ranges()
    assert ranges["command_delay"][1] == pytest.approx(0.03, abs=3e-3)
    assert "sensor_delay" not in ranges


def test_an_interpolating_controller_hides_the_delay_and_it_is_said(late):
    """The same motion under commands that the arm is on its way to all the time."""
    knots = late.command_time[::5]
    path = np.stack([np.interp(late.time, knots, c[::5]) for c in late.command.T], 1)
    speed = np.gradient(path, late.time, axis=0)
    log = make_log(
        late.joints,
        late.time,
        path,
        speed,
        command_time=knots[:-1],
        command=late.command[5::5],
    )
    with pytest.raises(ForearmError, match="interpolates"):
        motion_delay(log)


def test_a_calibrated_delay_ranges_over_its_interval():
    content = {"value": [0.03], "unit": "s", "std": [0.001], "provenance": "measured"}
    params = Params.model_validate(
        {"robot": "ur5e", "joints": ["a"], "params": {"command_delay": content}}
    )
    found = calibrated_delay(params)
    assert found.delay == 0.03
    assert found.quantile(0.0) == pytest.approx(0.03 - 1.96e-3, abs=1e-5)
