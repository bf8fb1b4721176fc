"""Velocity commands: what stops the arm when the node or the guard itself dies."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from forearm.deploy.supervisor import Task, forearm

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

GUARD = "guard"
TIMEOUT = 0.1
"""Of the guard at 50 Hz: five periods [s]."""

SETTLING = 0.4
"""Of the arm's servo after the controller's command has stopped at once [s]."""


class Witness:
    """What reaches the velocity controller, and the arm's joint states."""

    def __init__(self, rig):
        from rclpy.qos import QoSProfile
        from sensor_msgs.msg import JointState
        from std_msgs.msg import Float64MultiArray

        self.commands, self.last, many = [], None, QoSProfile(depth=200)
        self.moved = 0.0
        topic = f"{rig.robot.ros.velocity_controller}/commands"
        node = rig.node
        node.create_subscription(Float64MultiArray, topic, self._on_command, many)
        node.create_subscription(JointState, "joint_states", self._on_state, many)

    def _on_command(self, message):
        self.commands.append((time.monotonic(), list(message.data)))

    def _on_state(self, message):
        self.last = message
        if max(map(abs, message.velocity)) > 0.05:
            self.moved = time.monotonic()

    def speed(self):
        return max(map(abs, self.commands[-1][1])) if self.commands else 0.0


@pytest.fixture
def arm(make_rig, request):
    """A moving arm behind a guard; the parameter is the controller's own timeout."""
    plant = forearm("plant", "--robot", "ur5e", "--command-timeout", str(request.param))
    with make_rig() as rig:
        rig.witness = Witness(rig)
        rig.start(Task(name="plant", command=plant), rig.make_driver("velocity"))
        rig.wait_for("run", 0.0, 30.0)
        rig.wait_until_moving()
        yield rig


def guard_pid(rig):
    pid = rig.running["node"].pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "guard_node" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    raise AssertionError("no guard process")


def stopped(rig, begin, timeout=10.0):
    """Wait for the first zero after ``begin``; returns when it came."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for at, values in list(rig.witness.commands):
            if at > begin and not any(values):
                return at
        time.sleep(0.005)
    raise AssertionError(f"not stopped: {rig.witness.commands[-2:]}")


def braking(rig, begin):
    """Time that a stop from the speed at ``begin`` takes within the limits [s]."""
    last = [v for at, v in rig.witness.commands if at <= begin][-1]
    limits = rig.contract.limits
    return max(abs(v) / m.acceleration for v, m in zip(last, limits, strict=True))


def judge(rig, fault, expected, reaction, rest):
    limits, sent = rig.contract.limits, rig.witness.commands
    outside = sum(
        not abs(v) <= m.velocity
        for _, values in sent
        for v, m in zip(values, limits, strict=True)
    )
    words = "" if reaction is None else f"{1e3 * reaction:.0f} ms"
    row = (fault, expected, words, "yes" if rest else "", str(len(sent)), str(outside))
    rig.table[GUARD].append(row)
    assert outside == 0


def assert_at_rest(rig):
    time.sleep(0.7)  # the servo settles
    before = np.array(rig.witness.last.position)
    time.sleep(0.3)
    assert np.abs(np.array(rig.witness.last.position) - before).max() < 0.002


@pytest.mark.parametrize("arm", [0.0], indirect=True)
def test_a_killed_node_is_stopped_by_the_guard(arm):
    begin = time.monotonic()
    expected = TIMEOUT + braking(arm, begin) + 2 * 0.02
    arm.running["node"].send(signal.SIGKILL)
    reaction = stopped(arm, begin) - begin
    assert reaction <= expected
    assert_at_rest(arm)
    judge(arm, "node killed (kill -9)", "guard stops the arm", reaction, True)


@pytest.mark.parametrize("arm", [0.0], indirect=True)
def test_a_stopped_node_is_stopped_by_the_guard_and_goes_on(arm):
    begin = time.monotonic()
    expected = TIMEOUT + braking(arm, begin) + 2 * 0.02
    arm.running["node"].send(signal.SIGSTOP)
    reaction = stopped(arm, begin) - begin
    assert reaction <= expected
    time.sleep(0.4)
    again = time.monotonic()
    arm.running["node"].send(signal.SIGCONT)
    arm.wait_for("run", again, 10.0)
    arm.wait_until_moving()
    fault = "node stopped for 0.5 s (SIGSTOP, SIGCONT)"
    judge(arm, fault, "guard stops the arm → run", reaction, False)


@pytest.mark.parametrize("arm", [0.1], indirect=True)
def test_a_killed_guard_with_a_controller_that_times_out(arm):
    begin = time.monotonic()
    os.kill(guard_pid(arm), signal.SIGKILL)
    assert arm.running["node"].wait(15.0)
    assert arm.running["node"].status() == 2
    assert "guard process has ended" in arm.running["node"].output()
    assert_at_rest(arm)
    reaction = arm.witness.moved - begin
    assert reaction <= TIMEOUT + SETTLING
    fault = "guard killed (kill -9), the controller times out"
    judge(arm, fault, "node ends with status 2", reaction, True)


@pytest.mark.parametrize("arm", [0.0], indirect=True)
def test_a_killed_guard_is_replaced_by_one_that_stops_the_arm(arm):
    begin = time.monotonic()
    os.kill(guard_pid(arm), signal.SIGKILL)
    assert arm.running["node"].wait(15.0)
    assert arm.running["node"].status() == 2
    assert_at_rest(arm)  # whenever that was: the node has ended only after it
    reaction = arm.witness.moved - begin
    fault = "guard killed (kill -9), the controller does not time out"
    judge(arm, fault, "a new guard stops the arm", reaction, True)
