"""A delay beyond what the policy tolerates, over real DDS."""

import time

import pytest

from forearm.core.bundle import POLICY, save_bundle
from forearm.core.contract import Latency

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
chaos = pytest.importorskip("forearm.deploy.chaos_node")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

FAULT = "60 ms late, 40 ms tolerated"


@pytest.fixture
def late_rig(robot, bundle, make_rig, arm_process, tmp_path):
    latency = Latency(tolerated=0.04)
    contract = bundle.contract.model_copy(update={"latency": latency})
    parts = (bundle.read(POLICY), contract, bundle.selftest(), "# Sample policy\n")
    with make_rig() as made:
        made.bundle = save_bundle(tmp_path / "late", *parts)
        made.proxy = chaos.ChaosProxy(robot, made.node.context)
        made.start(arm_process, made.make_driver("forward"))
        made.wait_for("run", 0.0, 30.0)
        yield made
        made.stop()
        made.proxy.close()


def test_a_delay_beyond_the_tolerated_one_holds_the_arm(late_rig):
    rig = late_rig
    rig.ready()
    begin = time.monotonic()
    rig.proxy.relay = chaos.delay(0.06)
    reaction = rig.wait_for("hold", begin, 3.0) - rig.proxy.onset
    assert reaction <= rig.budget
    rig.settle("hold", begin)
    assert "late on average" in rig.states[-1][2]
    rig.at_rest()
    rig.judge("on the wire", FAULT, "hold", reaction, rest=True)


def test_the_documented_table_has_it(root):
    text = (root / "docs" / "faults.md").read_text(encoding="utf-8")
    assert f"| {FAULT} | hold |" in text
