import pytest

from forearm.core.errors import ForearmError
from forearm.core.histogram import Histogram
from forearm.core.ros import check_environment
from forearm.deploy.backends import (
    FORWARD,
    TRAJECTORY,
    VELOCITY,
    controller_of,
    kind_of,
)
from forearm.deploy.judge import violations
from forearm.deploy.schedule import Rate, Schedule


class Time:
    def __init__(self):
        self.now = 0.0

    def sleep(self, duration):
        self.now += duration


def test_deadlines_are_absolute_and_do_not_drift():
    time = Time()
    schedule = Schedule(0.02, lambda: time.now, time.sleep)
    for k in range(1, 101):
        schedule.wait()
        assert time.now == pytest.approx(0.02 * k)
        time.now += 0.013
    assert schedule.missed == 0


def test_a_long_overrun_is_counted_and_never_makes_a_burst():
    time = Time()
    schedule = Schedule(0.02, lambda: time.now, time.sleep)
    schedule.wait()
    time.now += 0.11
    schedule.wait()
    assert schedule.missed == schedule.consecutive == 5
    assert time.now == pytest.approx(0.14)
    schedule.wait()
    assert (schedule.consecutive, time.now) == (0, pytest.approx(0.16))


def test_what_is_prepared_late_is_no_missed_period():
    time, prepared = Time(), []
    schedule = Schedule(0.02, lambda: time.now, time.sleep)

    def prepare():
        prepared.append(time.now)
        time.now += 0.003

    assert schedule.wait(prepare, 0.001) == pytest.approx(0.002)
    assert prepared == [pytest.approx(0.019)]
    assert schedule.missed == 0
    time.now += 0.0175
    assert schedule.wait(prepare, 0.001) == pytest.approx(0.0)
    assert len(prepared) == 1
    assert schedule.missed == 0


def test_quantiles_are_within_a_bin_of_the_truth():
    histogram = Histogram()
    for k in range(1, 1001):
        histogram.add(k * 1e-5)
    assert histogram.quantile(0.5) == pytest.approx(5e-3, rel=0.07)
    assert histogram.quantile(0.99) == pytest.approx(9.9e-3, rel=0.07)
    assert histogram.maximum == pytest.approx(1e-2)


def test_the_judge_sees_each_kind_of_breach(bundle):
    contract, home = bundle.contract, [0.0] * 6

    def run(*values):
        return [(0.0, k, [v, *home[1:]]) for k, v in enumerate(values)]

    assert violations(run(0, 0, 0, 0), contract) == []
    assert "position" in violations(run(7.0), contract)[0]
    assert "velocity" in violations(run(0, 0.1), contract)[0]
    assert "acceleration" in violations(run(0, 0, 0.01), contract)[0]
    assert violations([(0, 1, home), (0, 9, [0.5] * 6)], contract) == []


def test_wheels_and_a_sourced_distribution_are_not_mixed():
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    check_environment({})
    with pytest.raises(ForearmError, match="mixed"):
        check_environment(
            {"AMENT_PREFIX_PATH": "/opt/ros/jazzy", "ROS_DISTRO": "jazzy"}
        )


def test_the_rate_is_what_was_counted_not_what_was_asked_for():
    now = [10.0]
    rate = Rate(lambda: now[0])
    assert rate.read(0) == 0.0
    now[0] = 11.0
    assert rate.read(43) == pytest.approx(43.0)
    now[0] = 11.1  # too soon to tell
    assert rate.read(90) == pytest.approx(43.0)
    now[0] = 12.0
    assert rate.read(63) == pytest.approx(20.0)


def test_the_contract_names_the_controller_and_the_arm_those_of_other_kinds(bundle):
    output = bundle.contract.output.model_copy(update={"controller": "mine"})
    contract = bundle.contract.model_copy(update={"output": output})
    assert kind_of(contract) == TRAJECTORY
    assert controller_of(contract, TRAJECTORY) == "mine"
    assert controller_of(contract, FORWARD) == "forward_position_controller"
    assert controller_of(contract, VELOCITY) == "forward_velocity_controller"
