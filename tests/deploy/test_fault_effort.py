"""Effort commands: what brings the arm to rest when the node or the guard dies."""

import os
import signal
import time
from pathlib import Path

import pytest

from forearm.deploy.supervisor import Task, forearm

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECTION = "effort guard"

SLOW = 0.02
"""Joint speed of an arm at rest [rad/s]."""


class Witness:
    """What reaches the effort controller, and the arm's joint states."""

    def __init__(self, rig):
        from rclpy.qos import QoSProfile
        from sensor_msgs.msg import JointState
        from std_msgs.msg import Float64MultiArray

        self.efforts, self.states = [], []
        many, node = QoSProfile(depth=200), rig.node
        topic = f"{rig.robot.ros.effort_controller}/commands"
        node.create_subscription(Float64MultiArray, topic, self._on_effort, many)
        node.create_subscription(JointState, "joint_states", self._on_state, many)

    def _on_effort(self, message):
        self.efforts.append((time.monotonic(), list(message.data)))

    def _on_state(self, message):
        state = list(message.position), list(message.velocity)
        self.states.append((time.monotonic(), *state))

    def speed(self):
        return max(map(abs, self.states[-1][2])) if self.states else 0.0


@pytest.fixture
def arm(make_rig):
    """A moving arm under efforts from a guard."""
    with make_rig() as rig:
        rig.witness = Witness(rig)
        plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
        rig.start(plant, rig.make_driver("effort"))
        rig.wait_for("run", 0.0, 30.0)
        rig.wait_until_moving()
        yield rig


def guard_pid(rig):
    pid = rig.running["node"].pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_text()
        if "effort_node" in words and "--standby" not in words:
            return int(child)
    raise AssertionError("no guard process")


def rested(rig, begin, timeout=10.0):
    """Wait until the arm has stood for 0.3 s; returns when it began to stand."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        states = [s for s in list(rig.witness.states) if s[0] > begin]
        fast = [at for at, _, velocity in states if max(map(abs, velocity)) > SLOW]
        last = max([begin, *fast])
        if states and states[-1][0] - last > 0.3:
            return last
        time.sleep(0.02)
    raise AssertionError(f"moves still: {rig.witness.states[-1]}")


def judge(rig, fault, expected, reaction):
    limits, sent = rig.contract.limits, rig.witness.efforts
    outside = sum(
        not abs(tau) <= m.effort
        for _, values in sent
        for tau, m in zip(values, limits, strict=True)
    )
    row = (fault, expected, f"{1e3 * reaction:.0f} ms", "yes", str(len(sent)))
    rig.table[SECTION].append((*row, str(outside)))
    assert len(sent) > 50
    assert outside == 0


def braking(rig):
    """Longest braking time of the fastest command within the limits [s]."""
    return max(m.velocity / m.acceleration for m in rig.contract.limits)


TIMEOUT, SETTLING = 0.1, 0.5
"""Of the guard at 50 Hz (five periods), and of the law behind its reference [s]."""


def test_a_killed_node_leaves_the_arm_at_rest(arm):
    begin = time.monotonic()
    arm.running["node"].send(signal.SIGKILL)
    reaction = rested(arm, begin) - begin
    assert reaction <= TIMEOUT + braking(arm) + SETTLING
    judge(arm, "node killed (kill -9)", "guard brakes and holds", reaction)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hanging_guard_is_followed_by_the_one_that_stands_by(arm, number):
    begin = time.monotonic()
    os.kill(guard_pid(arm), number)
    reaction = rested(arm, begin) - begin
    assert reaction <= TIMEOUT + braking(arm) + SETTLING
    assert arm.running["node"].wait(15.0)
    assert arm.running["node"].status() == 2
    assert "guard process has ended" in arm.running["node"].output()
    fault = {9: "guard killed (kill -9)"}.get(number, "guard hangs (SIGSTOP)")
    judge(arm, fault, "standby brakes and holds", reaction)
