import os
import signal
import sys
from pathlib import Path

import pytest
from rosbags.highlevel import AnyReader

from forearm.core.robots import get_robot
from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Task, supervised

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
DOUBLE = Path(__file__).with_name("launch_double.py")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


REAL = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

given = [tuple(argument.split(":=", 1)) for argument in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
include = IncludeLaunchDescription(source, launch_arguments=given)
service = LaunchService()
service.include_launch_description(LaunchDescription([include]))
sys.exit(service.run())
"""
"""What ``ros2 launch FILE name:=value ...`` does."""


WANTED = {"/left/joint_states": 50, "/left/forearm_policy/joint_command": 10}
"""Topics of a rehearsal, and how many messages of each are not enough."""


def launch(file, *, program=(str(DOUBLE),), **arguments):
    """Return the task that stands in for ``ros2 launch FILE name:=value ...``."""
    given = [f"{name}:={value}" for name, value in arguments.items()]
    command = [sys.executable, *program, str(file), *given]
    return Task(name="launch", command=command, environment={"PATH": PATH})


def run_to_its_end(task, folder):
    with supervised([task], folder) as running:
        assert running["launch"].wait(60.0)
        return running["launch"].status(), running["launch"].output()


def rehearse(folder, wait_for_messages, program=(str(DOUBLE),)):
    """Run a rehearsal until the arm is commanded; return the words and the topics."""
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    bundle, log = sample_bundle(folder / "bundle", get_robot("ur5e")), folder / "log"
    arguments = {"bundle": bundle.path, "robot": "ur5e", "record": log}
    file = LAUNCH / "rehearsal.launch.py"
    task = launch(file, program=program, namespace="left", **arguments)
    with supervised([task], folder / "out") as running:
        process = running["launch"]
        wait_for_messages(process, log, WANTED)
        process.send(signal.SIGINT)
        assert process.wait(20.0)
        words = process.output()
        assert process.status() == 0, words
    with AnyReader([log]) as reader:
        return words, {t: i.msgcount for t, i in reader.topics.items()}


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_a_rehearsal_records_plant_and_node_and_ends_cleanly(
    tmp_path, wait_for_messages
):
    words, counts = rehearse(tmp_path, wait_for_messages)
    assert "forearm_plant: status 0" in words
    assert "forearm_policy: status 0" in words
    assert "Traceback" not in words
    assert all(counts[topic] > enough for topic, enough in WANTED.items())


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_the_launch_ends_with_its_node(tmp_path):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    task = launch(
        LAUNCH / "rehearsal.launch.py",
        bundle=tmp_path / "missing",
        robot="ur5e",
        record=tmp_path / "log",
    )
    _, words = run_to_its_end(task, tmp_path / "out")
    assert "shutdown: the policy node has ended" in words
    assert "forearm_policy: status 2" in words
    assert "forearm_plant: status" in words
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "required launch argument 'bundle' is missing"),
        ({"bundle": "B", "shadow": "yes"}, "'shadow' must be one of"),
    ],
)
def test_wrong_arguments_start_nothing(arguments, reason, tmp_path):
    task = launch(LAUNCH / "deploy.launch.py", **arguments)
    status, words = run_to_its_end(task, tmp_path)
    assert status != 0
    assert reason in words
    assert "forearm_policy" not in words


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("from launch.actions import EmitEvent", "cannot import name 'EmitEvent'"),
        ("import launch.frontend", "No module named 'launch.frontend'"),
        (
            "from launch.actions import ExecuteProcess\n"
            "ExecuteProcess(cmd=['true'], colour='red')",
            "unexpected keyword argument 'colour'",
        ),
    ],
)
def test_the_double_refuses_what_it_does_not_model(source, reason, tmp_path):
    file = tmp_path / "some.launch.py"
    file.write_text(source + "\n")
    status, words = run_to_its_end(launch(file), tmp_path / "out")
    assert status != 0
    assert reason in words


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_a_rehearsal_runs_on_the_real_launch(tmp_path, wait_for_messages):
    # PyPI has an unrelated package `launch`: only beside launch_ros is it ROS's.
    pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS distribution")
    _, counts = rehearse(tmp_path, wait_for_messages, ("-c", REAL))
    assert all(counts[topic] > enough for topic, enough in WANTED.items())
