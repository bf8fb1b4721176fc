"""Every fault of the messages: one expected state, the limits, the reaction, the rest.

Each case names the state the node must be in 0.7 s after the fault began, or, with an
arrow, the state it must pass through and the one it must come back to by itself.
"""

import math
import time

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
chaos = pytest.importorskip("forearm.deploy.chaos_node")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

WIRE = "on the wire"


def set_nan(m):
    m.position[2] = math.nan


def set_inf(m):
    m.velocity[0] = math.inf


def shorten(m):
    m.position = m.position[:-1]


def permute(m):
    for field in ("name", "position", "velocity", "effort"):
        setattr(m, field, list(reversed(getattr(m, field))))


def lack(m):
    m.name = ["other", *m.name[1:]]


def twice(m):
    for field in ("name", "position", "velocity", "effort"):
        setattr(m, field, [*getattr(m, field), getattr(m, field)[0]])


def extra(m):
    m.name = [*m.name, "gripper"]
    for field in ("position", "velocity", "effort"):
        setattr(m, field, [*getattr(m, field), 0.5])


def stale_stamp(m):
    m.header.stamp.sec, m.header.stamp.nanosec = 1000, 0


CASES = {
    "1 % lost": (lambda: chaos.drop(0.01), "run"),
    "10 % lost": (lambda: chaos.drop(0.1), "run"),
    "50 % lost": (lambda: chaos.drop(0.5), "run"),
    "90 % lost, evenly": (lambda: chaos.thin(10), "run"),
    "90 % lost, 0.36 s of every 0.4 s": (lambda: chaos.bursts(0.36, 0.04), "hold"),
    "all lost": (lambda: chaos.drop(1.0), "hold"),
    "20 ms late": (lambda: chaos.delay(0.02), "run"),
    "10 to 40 ms late, out of order": (lambda: chaos.delay(0.01, 0.03), "run"),
    "300 ms late": (lambda: chaos.delay(0.3), "hold"),
    "every message twice": (lambda: chaos.duplicate, "run"),
    "frozen": (chaos.freeze, "hold"),
    "stamps stand still": (lambda: chaos.edit(stale_stamp), "hold"),
    "clock jumps +5 s": (lambda: chaos.shift_stamps(5), "hold → run"),
    "clock jumps back 5 s": (lambda: chaos.shift_stamps(-5), "hold → run"),
    "NaN position": (lambda: chaos.edit(set_nan), "hold"),
    "infinite velocity": (lambda: chaos.edit(set_inf), "hold"),
    "wrong length": (lambda: chaos.edit(shorten), "hold"),
    "joints permuted": (lambda: chaos.edit(permute), "run"),
    "joint missing": (lambda: chaos.edit(lack), "hold"),
    "joint named twice": (lambda: chaos.edit(twice), "hold"),
    "joint too many": (lambda: chaos.edit(extra), "run"),
}
"""Maker of the relay and the expected state, by fault."""


@pytest.mark.parametrize("fault", CASES)
def test_a_fault_on_the_wire_keeps_every_limit(rig, fault):
    make, expected = CASES[fault]
    rig.ready()
    begin = time.monotonic()
    rig.proxy.relay = make()
    through, _, end = expected.partition(" → ")
    if through == "run":
        rig.settle("run", begin)
        assert [s for at, s, _ in rig.states if at >= begin] == []
        rig.judge(WIRE, fault, expected)
        return
    reaction = rig.wait_for(through, begin, 3.0) - rig.proxy.onset
    if "0.36 s" not in fault:  # there the first silence begins at the first message
        assert reaction <= rig.budget
    if end:
        at = rig.wait_for(end, begin, 5.0)
        rig.settle(end, at, 0.3)
    else:
        rig.settle(through, begin)
        rig.at_rest()
    rig.judge(WIRE, fault, expected, reaction, rest=not end)


def test_a_second_publisher_is_a_latched_fault(rig):
    rig.ready()
    begin = time.monotonic()
    rig.proxy.second = True
    reaction = rig.wait_for("fault", begin, 3.0) - begin
    rig.proxy.second = False
    assert reaction <= rig.budget
    rig.settle("fault", begin, 1.5)
    rig.at_rest()
    rig.judge(WIRE, "second publisher", "fault", reaction, rest=True)


@pytest.mark.parametrize("way", ["service", "topic"])
def test_an_estop_is_latched_until_activated_again(rig, way):
    from std_msgs.msg import Bool
    from std_srvs.srv import Trigger

    rig.ready()
    if way == "service":
        client = rig.node.create_client(Trigger, "/forearm_policy/estop")
        assert client.wait_for_service(timeout_sec=10.0)
        begin = time.monotonic()
        client.call_async(Trigger.Request())
    else:
        publisher = rig.node.create_publisher(Bool, "/estop", 1)
        while publisher.get_subscription_count() == 0:
            time.sleep(0.01)
        begin = time.monotonic()
        publisher.publish(Bool(data=True))
    reaction = rig.wait_for("estop", begin, 3.0) - begin
    assert reaction <= rig.budget
    rig.settle("estop", begin)
    rig.at_rest()
    rig.judge(WIRE, f"emergency stop by {way}", "estop", reaction, rest=True)


def test_the_documented_table_has_every_fault_of_this_file(root):
    text = (root / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = {
        fault: f"| {fault} | {expected} |" for fault, (_, expected) in CASES.items()
    }
    assert [fault for fault, row in rows.items() if row not in text] == []
