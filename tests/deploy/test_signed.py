"""A signed bundle drives an arm over real DDS; what is not signed never starts."""

import pytest

from forearm.cli.main import main
from forearm.core.bundle import CONTRACT
from forearm.core.robots import get_robot
from forearm.core.signature import sign
from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Task, forearm, supervised

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros_domain")]


def refused_in_configure(path, public):
    """A node on DDS says no in one sentence and keeps nothing."""
    from forearm.core.ros import session
    from forearm.deploy.node import NodeOptions, PolicyNode

    options = NodeOptions(bundle=str(path), verify_key=str(public), realtime=False)
    with session() as context:
        node = PolicyNode(options, context)
        node.trigger_configure()
        assert "sign" in node.refusal, node.refusal
        assert "\n" not in node.refusal
        assert (node.runtime, node.loop, node._entities) == (None, None, [])
        node.destroy_node()


def test_a_signed_bundle_drives_an_arm_and_an_unsigned_one_is_refused(
    keys, tmp_path, capsys
):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    bundle = sample_bundle(tmp_path / "bundle", get_robot("ur5e"), width=16)
    private, public = keys
    options = [str(bundle.path), "--verify-key", str(public)]
    assert main(["deploy", *options]) == 2
    assert "sign" in capsys.readouterr().err
    refused_in_configure(bundle.path, public)
    signature = sign(bundle.path / CONTRACT, private)
    content = signature.read_bytes()
    signature.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    refused_in_configure(bundle.path, public)
    signature.unlink()
    sign(bundle.path / CONTRACT, private)
    arm = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    report = tmp_path / "report.json"
    node = [*options, "--seconds", "0.5", "--wait", "60", "--json", str(report)]
    with supervised([arm], tmp_path / "out"):
        deploy = Task(name="node", command=forearm("deploy", *node))
        with supervised([deploy], tmp_path / "node") as running:
            assert running["node"].wait(90.0), running["node"].output()
            assert running["node"].status() == 0, running["node"].output()
    assert '"ticks"' in report.read_text()
