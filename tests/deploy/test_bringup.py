import signal
import time

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


def log_size(folder):
    return sum(file.stat().st_size for file in folder.glob("*.mcap"))


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_two_arms_run_at_once_in_two_namespaces(bundle, tmp_path):
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
        end = time.monotonic() + 90
        # About 1000 joint states each, however long that takes on a busy computer.
        while min(log_size(tmp_path / name) for name in ("left", "right")) < 400_000:
            assert bringup.status() is None, bringup.output()
            assert time.monotonic() < end, bringup.output()
            time.sleep(0.2)
        bringup.send(signal.SIGINT)
        assert bringup.wait(40.0)
        assert bringup.status() == 0, bringup.output()
    for name in ("left", "right"):
        with AnyReader([tmp_path / name]) as reader:
            counts = {t: i.msgcount for t, i in reader.topics.items()}
        assert counts[f"/{name}/forearm_policy/joint_command"] > 50
        assert counts[f"/{name}/joint_states"] > 250
