import argparse
import signal

import pytest
from rosbags.highlevel import AnyReader

from forearm.cli import deploy_command
from forearm.cli.fence_arguments import workspace_of
from forearm.cli.main import main
from forearm.deploy.bringup import ArmSpec
from forearm.deploy.supervisor import Task, forearm, supervised


def test_a_bundle_is_said_in_words(bundle, capsys):
    assert main(["inspect", str(bundle.path)]) == 0
    said = capsys.readouterr().out
    assert "sample on ur5e, 50 Hz" in said
    assert "joint_pos [rad] x 6 from joint_states.position" in said


def test_a_wrong_bringup_file_is_refused_by_field(tmp_path, capsys):
    path = tmp_path / "spec.yaml"
    path.write_text("arms: [{robot: ur5e, bundel: x}]\n")
    assert main(["bringup", str(path)]) == 2
    assert "bundel" in capsys.readouterr().err


def test_what_a_bringup_file_fences_reaches_the_node_and_is_checked(bundle):
    arm = ArmSpec(
        robot="ur5e",
        bundle=str(bundle.path),
        workspace={"lower": [-0.5, -1, 0.1], "upper": [0.5, 1, 2], "holds": "arm"},
        clearance=0.01,
    )
    command = arm.tasks()[0].command
    parser = argparse.ArgumentParser()
    deploy_command.configure(parser)
    args = parser.parse_args(command[command.index("deploy") + 1 :])
    assert workspace_of(args) == arm.workspace
    assert args.clearance == 0.01


def test_a_box_with_its_bounds_in_the_wrong_order_is_refused(bundle, capsys):
    box = ["--workspace", "0.5", "-0.5", "0", "1", "0", "1"]
    assert main(["deploy", str(bundle.path), *box]) == 2
    assert "each minimum below its maximum" in capsys.readouterr().err


def wanted(name):
    return {f"/{name}/forearm_policy/joint_command": 50, f"/{name}/joint_states": 250}


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_two_arms_run_at_once_in_two_namespaces(bundle, tmp_path, wait_for_messages):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    spec = tmp_path / "spec.yaml"
    arms = "".join(
        f"- {{robot: ur5e, bundle: {bundle.path}, namespace: {name}, plant: nominal, "
        f"record: {tmp_path / name}}}\n"
        for name in ("left", "right")
    )
    spec.write_text("arms:\n" + arms)
    command = forearm("bringup", str(spec))
    with supervised([Task(name="bringup", command=command)], tmp_path) as running:
        bringup = running["bringup"]
        for name in ("left", "right"):
            wait_for_messages(bringup, tmp_path / name, wanted(name))
        bringup.send(signal.SIGINT)
        assert bringup.wait(40.0)
        assert bringup.status() == 0, bringup.output()
    for name in ("left", "right"):
        with AnyReader([tmp_path / name]) as reader:
            counts = {t: i.msgcount for t, i in reader.topics.items()}
        assert all(counts[topic] > enough for topic, enough in wanted(name).items())
