"""Recorder: its own process, raw subscriptions, a rosbag2 directory in MCAP.

Messages are written as they come off the wire, nothing is decoded. Chunks are small
and flushed, so that a killed recorder loses less than a second.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forearm.core.bundle import CONTRACT, Bundle
from forearm.core.errors import FileError
from forearm.core.robot import RobotSpec, RosNames
from forearm.core.timing import TOPIC

if TYPE_CHECKING:
    from .bag import BagWriter

FLUSH = 0.5
"""Seconds between flushes to disk."""

HEARING = 2.0
"""Longest wait for a first message before recording counts as begun [s]; who publishes
already is heard within it even on a busy computer, and a driver may come later."""

READY = "recording"
"""Line the process prints once it is listening."""


def topics(names: RosNames, namespace: str, node: str) -> dict[str, str]:
    """Return message type by absolute topic for one arm."""
    prefix = "/" + namespace.strip("/") + "/" if namespace.strip("/") else "/"
    return {
        f"{prefix}{names.joint_states}": "sensor_msgs/msg/JointState",
        f"{prefix}{names.target}": "geometry_msgs/msg/PoseStamped",
        f"{prefix}{names.target_twist}": "geometry_msgs/msg/TwistStamped",
        f"{prefix}{names.object}": "geometry_msgs/msg/PoseStamped",
        f"{prefix}{names.position_controller}/commands": (
            "std_msgs/msg/Float64MultiArray"
        ),
        f"{prefix}{names.velocity_controller}/commands": (
            "std_msgs/msg/Float64MultiArray"
        ),
        f"{prefix}{names.effort_controller}/commands": (
            "std_msgs/msg/Float64MultiArray"
        ),
        f"{prefix}{names.trajectory_controller}/joint_trajectory": (
            "trajectory_msgs/msg/JointTrajectory"
        ),
        f"{prefix}{node}/joint_command": "sensor_msgs/msg/JointState",
        f"{prefix}{node}/shadow_command": "sensor_msgs/msg/JointState",
        f"{prefix}{node}/status": "std_msgs/msg/String",
        f"{prefix}{node}/{TOPIC}": "std_msgs/msg/String",
        "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
    }


@contextmanager
def recording(
    path: str | Path | None,
    bundle: Bundle,
    namespace: str = "",
    node: str = "forearm_policy",
) -> Iterator[subprocess.Popen[str] | None]:
    """Run a recorder process while the block runs; no ``path``, no recorder.

    Raises:
        FileError: the path exists, or the recorder does not start.
    """
    if path is None:
        yield None
        return
    process = start_recorder(
        path, bundle.contract.arm, namespace, node, bundle.path / CONTRACT
    )
    try:
        yield process
    finally:
        stop_recorder(process)


def start_recorder(
    path: str | Path,
    robot: RobotSpec,
    namespace: str,
    node: str,
    attach: Path | None = None,
) -> subprocess.Popen[str]:
    """Start a recorder process and wait until it listens.

    Raises:
        FileError: the path exists, or the recorder does not start.
    """
    if Path(path).exists():
        raise FileError(path, "exists already", "choose another name for the log")
    command = [sys.executable, "-m", "forearm.deploy.recorder", str(path)]
    command += ["--names", json.dumps(asdict(robot.ros))]
    command += ["--namespace", namespace, "--node", node]
    if attach is not None:
        command += ["--attach", str(attach)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY:
        process.kill()
        process.wait()
        raise FileError(path, "the recorder did not start")
    return process


def stop_recorder(process: subprocess.Popen[str]) -> None:
    """End a recorder in order; it writes its index and metadata."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def record(path: Path, wanted: dict[str, str], attach: Path | None) -> bool:
    """Record ``wanted`` topics until a signal; returns whether the disk took all."""
    from rclpy.node import Node
    from rclpy.qos import QoSProfile

    from forearm.core.ros import Spinner, leave, message_type, session

    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    # Only the process that writes needs them: the node starts 0.1 s sooner without.
    from .bag import BagWriter

    writer = BagWriter(path, wanted)
    if attach is not None:
        writer.attach(attach.name, attach.read_bytes())
    parent = os.getppid()
    try:
        with session() as context:
            node = Node(
                "forearm_recorder", context=context, start_parameter_services=False
            )
            for topic, kind in wanted.items():
                node.create_subscription(
                    message_type(kind),
                    topic,
                    _writer(writer, topic),
                    QoSProfile(depth=200),
                    raw=True,
                )
            spinner = Spinner(context, [node])
            end = time.monotonic() + HEARING
            while not stop and not writer.count and time.monotonic() < end:
                time.sleep(0.01)
            sys.stdout.write(READY + "\n")
            sys.stdout.flush()
            # A recorder whose parent died still closes its file.
            while not stop and os.getppid() == parent and writer.healthy:
                time.sleep(FLUSH)
                writer.flush()
            spinner.stop()
            writer.close()
            leave(node)
    finally:
        writer.close()
    return writer.healthy


def _writer(writer: BagWriter, topic: str) -> Any:
    def write(data: bytes, info: Any) -> None:
        # The transport's stamp: a large message, or a busy interpreter, takes a while.
        arrived = int(info.get("received_timestamp", 0)) or time.time_ns()
        writer.write(topic, data, arrived)

    return write


def main(argv: list[str] | None = None) -> int:
    """Run the recorder process."""
    parser = argparse.ArgumentParser(prog="forearm-recorder")
    parser.add_argument("path", type=Path)
    parser.add_argument("--names", required=True, help="JSON of RosNames")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--node", default="forearm_policy")
    parser.add_argument("--attach", type=Path)
    args = parser.parse_args(argv)
    wanted = topics(RosNames(**json.loads(args.names)), args.namespace, args.node)
    return 0 if record(args.path, wanted, args.attach) else 1


if __name__ == "__main__":
    sys.exit(main())
