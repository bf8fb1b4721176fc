"""``forearm inspect --against-live`` over real DDS: a plant agrees, misfits do not."""

from __future__ import annotations

import gc
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from forearm.cli.main import main
from forearm.core.bundle import Bundle
from forearm.core.robots import get_robot
from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Task, forearm, supervised

ROBOT = get_robot("ur5e")
HOME = [float(q) for q in ROBOT.home]
TRAJECTORY = ROBOT.ros.trajectory_controller

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros_domain", "prompt")]


@pytest.fixture
def prompt() -> Iterator[None]:
    """Real-time priority where permitted and no garbage collection, as a driver has:
    what holds it up for 100 ms is a robot that falls silent, and told as one."""
    gc.collect()
    gc.freeze()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def robot(
    rate: float = 100.0,
    publishers: int = 1,
    listen: bool = True,
    joints: list[str] | None = None,
    scale: float = 1.0,
    missing: int = 0,
    delay: float = 0.0,
    controller: str = TRAJECTORY,
) -> Iterator[None]:
    """A driver in this process, in a thread of its own, with one thing wrong."""
    from rclpy.node import Node
    from std_msgs.msg import Float64MultiArray
    from trajectory_msgs.msg import JointTrajectory

    from forearm.core.ros import Spinner, newest_only, session

    with session() as context:
        nodes = [Node(f"driver_{k}", context=context) for k in range(publishers)]
        for node in nodes:
            publish_states(node, rate, missing, scale, delay)
        taker = Node(controller, context=context)
        taker.declare_parameter("joints", joints or list(ROBOT.joint_names))
        if listen and controller == TRAJECTORY:
            topic = f"{controller}/joint_trajectory"
            taker.create_subscription(JointTrajectory, topic, print, newest_only())
        elif listen:
            topic = f"{controller}/commands"
            taker.create_subscription(Float64MultiArray, topic, print, newest_only())
        spinner = Spinner(context, [*nodes, taker])
        try:
            yield
        finally:
            spinner.stop()
            for node in (*nodes, taker):
                node.destroy_node()


def publish_states(
    node: Any, rate: float, missing: int, scale: float, delay: float
) -> None:
    """Let ``node`` publish the home pose: scaled, incomplete or with old stamps."""
    from sensor_msgs.msg import JointState

    states = node.create_publisher(JointState, "joint_states", 10)
    n = ROBOT.n - missing
    message = JointState(
        name=list(ROBOT.joint_names[:n]),
        position=[scale * q for q in HOME[:n]],
        velocity=[0.0] * n,
    )

    def publish() -> None:
        now = time.time() - delay
        message.header.stamp.sec = int(now)
        message.header.stamp.nanosec = int((now % 1) * 1e9)
        states.publish(message)

    node.create_timer(1 / rate, publish)


def findings(bundle: Bundle, folder: Path, *arguments: str) -> tuple[int, list[Any]]:
    """Run the command; returns its status and the findings of its report."""
    report = folder / "report.json"
    command = ["inspect", str(bundle.path), "--against-live", "--seconds", "1.5"]
    status = main([*command, "--json", str(report), *arguments])
    return status, json.loads(report.read_text())["findings"]


def test_a_plant_agrees_and_is_sent_nothing(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--robot", "ur5e", "--namespace", "left"]
    plant = Task(name="plant", command=forearm("plant", *arguments))
    with supervised([plant], tmp_path / "out"):
        status, found = findings(bundle, tmp_path, "--namespace", "left")
        text = capsys.readouterr().out
        assert status == 0, text
        assert [f["what"] for f in found] == ["target"]
        assert "robot and contract agree" in text
        # Without the namespace there is no arm, and the sentence says where one is.
        status, found = findings(bundle, tmp_path)
    wrong = {f["what"]: f["text"] for f in found if f["mismatch"]}
    assert status == 2
    assert set(wrong) == {"joint_states", "controller"}
    assert "/left/joint_states: choose with --namespace" in wrong["joint_states"]


def test_a_plant_in_simulated_time_agrees(bundle: Bundle, tmp_path: Path) -> None:
    arguments = ["--robot", "ur5e", "--speed", "2"]
    plant = Task(name="plant", command=forearm("plant", *arguments))
    with supervised([plant], tmp_path / "out"):
        status, found = findings(bundle, tmp_path)
    assert status == 0, found
    assert [f["what"] for f in found] == ["target", "clock"]


def test_a_driver_that_fits_agrees(bundle: Bundle, tmp_path: Path) -> None:
    with robot():
        status, found = findings(bundle, tmp_path)
    assert status == 0, found


MISFITS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "degrees": (lambda: robot(scale=math.degrees(1)), "units", "looks like degrees"),
    "a missing joint": (lambda: robot(missing=1), "joints", "lack wrist_3_joint"),
    "two publishers": (lambda: robot(publishers=2), "joint_states", "/driver_1"),
    "a slow rate": (lambda: robot(rate=20.0), "rate", "the policy runs at 50 Hz"),
    "old stamps": (lambda: robot(delay=3.0), "stamps", "3.0 s behind"),
    "no controller": (lambda: robot(listen=False), "controller", "nobody listens"),
    "another's joints": (lambda: robot(joints=["a", "b"]), "controller", "moves a, b"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_each_misfit_of_a_driver_is_said(
    name: str, bundle: Bundle, tmp_path: Path
) -> None:
    make, what, text = MISFITS[name]
    with make():
        status, found = findings(bundle, tmp_path)
    wrong = [(f["what"], f["text"]) for f in found if f["mismatch"]]
    assert status == 2
    assert {subject for subject, _ in wrong} == {what}
    assert any(text in sentence for _, sentence in wrong)


def test_a_controller_in_another_order_is_said_before_it_moves_the_wrong_joint(
    tmp_path: Path,
) -> None:
    forward = sample_bundle(tmp_path / "forward", ROBOT, forward=True)
    turned = list(reversed(ROBOT.joint_names))
    with robot(joints=turned, controller=ROBOT.ros.position_controller):
        status, found = findings(forward, tmp_path)
    wrong = [f["text"] for f in found if f["mismatch"]]
    assert status == 2
    assert len(wrong) == 1
    assert "each joint would get another's command" in wrong[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "1.5"],
        ["--namespace", "left"],
        ["--against-live", "--seconds", "nan"],
        ["--against-live", "--seconds", "0"],
    ],
)
def test_arguments_that_do_not_go_together_are_one_sentence(
    arguments: list[str], bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(bundle.path), *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
