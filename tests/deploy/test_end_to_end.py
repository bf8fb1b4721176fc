import json
import time

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from forearm.core.kinematics import Kinematics
from forearm.core.log_text import read_timing
from forearm.core.timing import Measured
from forearm.deploy.supervisor import Task, check_alive, forearm, supervised

rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros_domain")]


def goal(robot, offset):
    """A target of the sample policy and the tool pose it leads to."""
    position = robot.home + np.tile(offset, robot.n)[: robot.n]
    return position, Kinematics(robot)(position)


@pytest.mark.parametrize("backend", ["forward", "trajectory"])
def test_plant_node_and_recorder_reach_a_target_over_dds(
    backend, bundle, robot, tmp_path
):
    from forearm.deploy.targets import Target, run_episodes

    log, report = tmp_path / "run", tmp_path / "report.json"
    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    node = Task(
        name="node",
        command=forearm(
            *("deploy", str(bundle.path), "--backend", backend),
            *("--record", str(log), "--json", str(report)),
        ),
    )
    offset = np.array([0.2, -0.15, 0.1])
    joint_pos, _ = goal(robot, offset)
    target = Target(tuple(offset), (1.0, 0.0, 0.0, 0.0))
    with supervised([plant, node], tmp_path) as running:
        info = {"episode_time": 4.0, "position_tolerance": 5.0, "angle_tolerance": 3.2}
        (outcome,) = run_episodes(robot, [target], info)
        check_alive(running)
    assert outcome.success
    fields = json.loads(report.read_text())
    assert fields["limiter_hits"] == "0"
    # It drove, else there were no success; a busy computer may make it hold at the end.
    assert fields["state"] in ("run", "hold", "ramp_in")
    assert (log / "metadata.yaml").is_file()
    measured = Measured(read_timing(log))
    # The last record is of the stop or, on a busy computer, of a second before it.
    assert abs(measured.ticks - int(fields["ticks"])) <= 50
    assert abs(measured.histograms["command"].count - measured.ticks) <= 1
    # Plant and node share a clock: every stamp has an age.
    assert measured.histograms["sensor_age"].count > 100
    assert measured.other_clock == 0
    with AnyReader([log]) as reader:
        counts = {t: i.msgcount for t, i in reader.topics.items()}
        assert counts["/joint_states"] > 500
        assert counts["/forearm_policy/joint_command"] > 100
        sent = "/forward_position_controller/commands"
        if backend == "trajectory":
            sent = "/joint_trajectory_controller/joint_trajectory"
        assert counts[sent] > 100
        assert counts["/target_pose"] > 10
        states = [c for c in reader.connections if c.topic == "/joint_states"]
        *_, (connection, _, raw) = reader.messages(states)
        last = reader.deserialize(raw, connection.msgtype)
    assert np.abs(np.array(last.position) - joint_pos).max() < 0.05
    said = [fields for fields in diagnostics(log) if "ticks" in fields]
    # It speaks once a second: of 50 control periods, give or take a busy computer.
    assert 30 < np.median(np.diff([int(fields["ticks"]) for fields in said])) < 70
    assert said[-1]["policy_sha256"] == bundle.contract.sha256["policy.onnx"]
    assert {fields["state"] for fields in said} <= {"ramp_in", "run", "hold"}
    parts = ("lateness", "state_age", "inference")
    numbers = [f"{part}_{q}_us" for part in parts for q in ("p50", "p99", "max")]
    numbers += ["rate_hz", "missed", "limiter_hits", "states_accepted", "states_lost"]
    assert all(float(said[-1][name]) >= 0 for name in numbers)


def diagnostics(log):
    """Return what a log holds of /diagnostics, each as fields by name."""
    with AnyReader([log]) as reader:
        wanted = [c for c in reader.connections if c.topic == "/diagnostics"]
        found = [
            reader.deserialize(raw, connection.msgtype)
            for connection, _, raw in reader.messages(wanted)
        ]
    return [{p.key: p.value for p in message.status[0].values} for message in found]


def test_a_policy_in_shadow_is_compared_with_the_node_that_drives(
    bundle, robot, tmp_path
):
    from forearm.deploy.targets import Target, run_episodes

    deploy = forearm("deploy", str(bundle.path), "--backend", "forward")
    shadow = ("--shadow", "--name", "watcher", "--record", str(tmp_path / "log"))
    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    driver = Task(name="driver", command=deploy)
    watcher = Task(name="watcher", command=[*deploy, *shadow])
    target = Target((0.2, -0.15, 0.1), (1.0, 0.0, 0.0, 0.0))
    with supervised([plant, driver, watcher], tmp_path) as running:
        for node in ("forearm_policy", "watcher"):  # the second with both at work
            run_episodes(robot, [target], {"episode_time": 1.5}, node=node)
        check_alive(running)
    last = read_timing(tmp_path / "log", "watcher")[-1]
    assert last.driving == "forward_position_controller/commands"
    found = [d.summary() for d in last.differences.values()]
    assert len(found) == robot.n
    assert min(d["count"] for d in found) > 10
    # Of the same policy; it commands up to 1 rad/s, and a tick is 20 ms apart.
    assert max(d["rms"] for d in found) < 0.02


def test_a_bundle_of_another_robot_is_refused_in_one_sentence(bundle, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in bundle.path.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    text = (other / "contract.json").read_text().replace('"ur5e"', '"r2d2"')
    (other / "contract.json").write_text(text)
    with supervised(
        [Task(name="node", command=forearm("deploy", str(other)))], tmp_path
    ) as running:
        end = time.monotonic() + 20
        while running["node"].status() is None and time.monotonic() < end:
            time.sleep(0.1)
        assert running["node"].status() == 2
        words = running["node"].output()
    assert "unknown robot 'r2d2'" in words
    assert "Traceback" not in words


def test_a_latched_fault_is_cleared_between_episodes(bundle, robot, tmp_path):
    from rclpy.node import Node
    from sensor_msgs.msg import JointState

    from forearm.core.ros import newest_only, session
    from forearm.deploy.targets import ReachTask, TaskRunner

    plant = Task(name="plant", command=forearm("plant", "--robot", "ur5e"))
    node = Task(name="node", command=forearm("deploy", str(bundle.path)))
    with supervised([plant, node], tmp_path), session() as context:
        runner = TaskRunner(robot, ReachTask(), context)
        runner.wait_for_arm()
        runner.settle()
        assert not runner.operator.restart_after_fault()
        intruder = Node("intruder", context=context)
        publisher = intruder.create_publisher(JointState, "joint_states", newest_only())
        message = JointState(name=list(robot.joint_names), position=list(robot.home))
        message.velocity = [0.0] * robot.n
        end = time.monotonic() + 10
        cleared = False
        while not cleared and time.monotonic() < end:
            message.header.stamp = intruder.get_clock().now().to_msg()
            publisher.publish(message)
            time.sleep(0.02)
            cleared = runner.operator.restart_after_fault()
        intruder.destroy_node()
        assert cleared
        time.sleep(1.0)
        assert not runner.operator.restart_after_fault()
        runner.close()
