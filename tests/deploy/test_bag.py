import numpy as np
import pytest
from mcap_ros2.reader import read_ros2_messages
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from forearm.core.errors import FileError
from forearm.deploy.bag import BagWriter
from forearm.deploy.record_repair import repair_log

STORE = get_typestore(Stores.ROS2_KILTED)
KIND = "sensor_msgs/msg/JointState"


def state(k):
    types = STORE.types
    stamp = types["builtin_interfaces/msg/Time"](sec=k, nanosec=0)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    values = np.full(6, float(k))
    message = types[KIND](header, list("abcdef"), values, values, values)
    return bytes(STORE.serialize_cdr(message, KIND))


def write(path, count):
    writer = BagWriter(path, {"/joint_states": KIND})
    writer.attach("contract.json", b"{}")
    for k in range(count):
        writer.write("/joint_states", state(k), 10**9 * (k + 1))
    return writer


def read(path):
    with AnyReader([path]) as reader:
        return [
            reader.deserialize(raw, c.msgtype).position[0]
            for c, _, raw in reader.messages()
        ]


def test_two_independent_readers_find_every_message(tmp_path):
    writer = write(tmp_path / "log", 300)
    writer.close()
    assert read(tmp_path / "log") == list(range(300))
    other = [m.ros_msg.position[0] for m in read_ros2_messages(str(writer.file))]
    assert other == list(range(300))


@pytest.mark.parametrize("lost", [1, 100, 2000])
def test_a_torn_log_is_repaired_up_to_the_tear(tmp_path, lost):
    writer = write(tmp_path / "log", 300)
    writer.flush()
    data = writer.file.read_bytes()
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(data[:-lost])
    result = repair_log(torn, tmp_path / "saved")
    saved = read(tmp_path / "saved")
    assert saved == list(range(len(saved)))
    assert len(saved) == result.messages >= 300 - 60
    writer.close()


def test_what_holds_no_message_is_refused(tmp_path):
    path = tmp_path / "empty.mcap"
    path.write_bytes(b"\x89MCAP0\r\n")
    with pytest.raises(FileError, match="no readable message"):
        repair_log(path, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_an_existing_log_is_never_overwritten(tmp_path):
    (tmp_path / "log").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        BagWriter(tmp_path / "log", {})
