"""Processes that stop, die, come back or starve: one expected state each."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

AROUND = "around the processes"
BRAKING = 1.0
"""Longest stop from full speed and the servo's settling behind it [s]."""


def strike(rig, name, number):
    """Send a signal; returns when."""
    at = time.monotonic()
    rig.running[name].send(number)
    return at


def wait_at_rest(rig, swing, offset=0.0):
    """Let the policy bring the arm to its target and stand there."""
    rig.swing, rig.offset = swing, offset
    goal = rig.robot.home[0] + offset
    end = time.monotonic() + 15
    while abs(rig.proxy.last.position[0] - goal) > 0.02 or rig.speed() > 0.02:
        assert time.monotonic() < end
        time.sleep(0.02)


def assert_arm_stands(rig):
    before = np.array(rig.proxy.last.position)
    assert np.abs(np.array(rig.proxy.last.velocity)).max() < 0.02
    time.sleep(0.3)
    assert np.abs(np.array(rig.proxy.last.position) - before).max() < 0.005


def test_a_stopped_plant_holds_and_goes_on(rig):
    rig.ready()
    begin = strike(rig, "plant", signal.SIGSTOP)
    reaction = rig.wait_for("hold", begin, 5.0) - begin
    assert reaction <= rig.budget
    rig.settle("hold", begin)
    assert rig.speed() == 0.0
    again = strike(rig, "plant", signal.SIGCONT)
    rig.wait_for("run", again, 10.0)
    fault = "plant stopped for 0.7 s (SIGSTOP, SIGCONT)"
    rig.judge(AROUND, fault, "hold → run", reaction)


def test_a_stopped_node_holds_first_when_it_goes_on(rig):
    rig.ready()
    strike(rig, "node", signal.SIGSTOP)
    time.sleep(0.5)
    again = strike(rig, "node", signal.SIGCONT)
    reaction = rig.wait_for("hold", again, 5.0) - again
    assert reaction <= rig.budget
    rig.wait_for("run", again, 10.0)
    fault = "node stopped for 0.5 s (SIGSTOP, SIGCONT)"
    rig.judge(AROUND, fault, "hold → run", reaction)


def test_a_busy_computer_changes_nothing(rig):
    rig.ready()
    begin = time.monotonic()
    # Not with the priority of the rig: that would stop the whole computer.
    code = (
        "import os, time; end = time.monotonic() + 5\n"
        "os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))\n"
        "while time.monotonic() < end: pass"
    )
    hogs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    try:
        rig.settle("run", begin, 2.0)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    assert [s for at, s, _ in rig.states if at >= begin] == []
    rig.judge(AROUND, "two processes at full load", "run")


@pytest.mark.parametrize(
    ("where", "offset", "expected"),
    [("where it was", 0.0, "hold → run"), ("elsewhere", 0.6, "hold → fault")],
)
def test_a_killed_plant_holds_until_one_is_back(rig, where, offset, expected):
    rig.ready()
    wait_at_rest(rig, 0.0, offset)
    rig.proxy.commands.clear()
    begin = strike(rig, "plant", signal.SIGKILL)
    reaction = rig.wait_for("hold", begin, 5.0) - begin
    assert reaction <= rig.budget
    rig.settle("hold", begin)
    assert rig.speed() == 0.0
    # A new arm stands at home: far from the last command nothing may be taken up.
    again = time.monotonic()
    rig.start(rig.plant)
    end = expected.split(" → ")[1]
    at = rig.wait_for(end, again, 30.0)
    rig.settle(end, at, 0.7)
    rig.swing, rig.offset = 0.3, 0.0
    fault = f"plant killed (kill -9), another one starts {where}"
    rig.judge(AROUND, fault, expected, reaction, rest=end == "fault")


def test_a_terminated_node_brings_the_arm_to_rest(rig):
    rig.ready()
    strike(rig, "node", signal.SIGTERM)
    assert rig.running["node"].wait(10.0)
    assert rig.running["node"].status() == 0
    assert rig.speed() == 0.0
    time.sleep(BRAKING)
    assert_arm_stands(rig)
    fault = "node terminated while moving (SIGTERM)"
    rig.judge(AROUND, fault, "ends with status 0", rest=True)
    again = time.monotonic()
    rig.start(rig.make_driver("forward"))
    rig.wait_for("run", again, 30.0)


@pytest.mark.parametrize("backend", ["forward", "trajectory"])
def test_a_killed_node_leaves_the_arm_standing(rig, backend):
    again = time.monotonic()
    rig.start(rig.make_driver(backend))
    rig.wait_for("run", again, 30.0)
    rig.ready()
    strike(rig, "node", signal.SIGKILL)
    assert rig.running["node"].wait(10.0)
    time.sleep(BRAKING)
    assert_arm_stands(rig)
    rig.judge(AROUND, f"node killed (kill -9), {backend}", "arm stands", rest=True)
