"""The log when its recorder is killed or its disk is full; the arm goes on."""

import itertools
import resource
import signal
import time

import pytest
from mcap_ros2.reader import read_ros2_messages
from rosbags.highlevel import AnyReader

from forearm.core.bundle import CONTRACT
from forearm.core.errors import FileError
from forearm.core.log_text import read_timing
from forearm.core.robots import get_robot
from forearm.deploy.record_repair import repair_log

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

RECORDER = "recorder"
LOST = 1.0
"""What a killed recorder may lose [s]."""


@pytest.fixture
def recorder(rig, tmp_path):
    """A recorder that has seen the moving arm for two seconds."""
    from forearm.deploy.recorder import start_recorder, stop_recorder

    rig.ready()
    contract = rig.bundle.path / CONTRACT
    process = start_recorder(
        tmp_path / "log", get_robot("ur5e"), "", "forearm_policy", contract
    )
    time.sleep(2.0)
    yield process
    stop_recorder(process)


def times(path, topic="/joint_states"):
    """Reception times of a topic [ns]; every message must decode."""
    with AnyReader([path]) as bag:
        chosen = [c for c in bag.connections if c.topic == topic]
        found = []
        for connection, at, raw in bag.messages(chosen):
            bag.deserialize(raw, connection.msgtype)
            found.append(at)
    (file,) = path.glob("*.mcap")
    states = read_ros2_messages(str(file), topics=[topic])
    assert len(list(states)) == len(found)
    return found


def attachments(path):
    from mcap.reader import make_reader

    (file,) = path.glob("*.mcap")
    with file.open("rb") as stream:
        return {a.name for a in make_reader(stream).iter_attachments()}


def test_a_killed_recorder_loses_less_than_a_second(rig, recorder, tmp_path):
    at = time.time_ns()
    recorder.send_signal(signal.SIGKILL)
    recorder.wait()
    rig.settle("run", time.monotonic(), 0.3)
    repaired = repair_log(tmp_path / "log", tmp_path / "saved")
    found = times(tmp_path / "saved")
    assert repaired.messages > 0
    assert read_timing(tmp_path / "saved")[-1].ticks > 0
    assert 0 < at - found[-1] < LOST * 1e9
    assert max(b - a for a, b in itertools.pairwise(found)) < 0.2e9
    assert attachments(tmp_path / "saved") == {CONTRACT}
    fault = "recorder killed (kill -9)"
    rig.judge(RECORDER, fault, "run, log repaired but for 1 s")


def test_a_full_disk_ends_the_log_and_not_the_motion(rig, recorder, tmp_path):
    (file,) = (tmp_path / "log").glob("*.mcap")
    room = file.stat().st_size + 30_000
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (room, room))
    assert recorder.wait(timeout=20) == 1
    rig.settle("run", time.monotonic(), 0.3)
    repair_log(tmp_path / "log", tmp_path / "saved")
    assert len(times(tmp_path / "saved")) > 300
    assert attachments(tmp_path / "saved") == {CONTRACT}
    rig.judge(RECORDER, "disk full", "run, log repaired up to there")


def test_a_truncated_log_is_repaired_up_to_the_tear(rig, recorder, tmp_path):
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(timeout=20) == 0
    whole = times(tmp_path / "log")
    assert attachments(tmp_path / "log") == {CONTRACT}
    assert (tmp_path / "log" / "metadata.yaml").is_file()
    (file,) = (tmp_path / "log").glob("*.mcap")
    data = file.read_bytes()
    for k, share in enumerate((0.3, 0.6, 0.9)):
        torn = tmp_path / f"torn{k}.mcap"
        torn.write_bytes(data[: int(share * len(data))])
        with pytest.raises(Exception, match=r".+"), AnyReader([torn]):
            pass
        repair_log(torn, tmp_path / f"saved{k}")
        found = times(tmp_path / f"saved{k}")
        assert found == whole[: len(found)]
        assert len(found) > (share - 0.15) * len(whole)
    torn = tmp_path / "nothing.mcap"
    torn.write_bytes(data[:20])
    with pytest.raises(FileError, match="no readable message"):
        repair_log(torn, tmp_path / "none")
    rig.judge(RECORDER, "log cut short", "run, log repaired up to there")
