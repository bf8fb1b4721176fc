import signal

import pytest
from rosbags.highlevel import AnyReader

from forearm.cli.main import main
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
