"""Turn the messages of a bag into a RunLog: which topics, which joints, which clock."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from .errors import FileError, MismatchError
from .log import Floats, RunLog, make_log, named_as, shown_names
from .log_trajectory import played
from .robot import RobotSpec

STORE = Stores.ROS2_KILTED
"""Message definitions of bags that hold none themselves."""

JOINT_STATE = "sensor_msgs/msg/JointState"
"""Type of measured joint states and of named commands."""

COMMANDS = (
    ("/joint_command", JOINT_STATE),
    ("/commands", "std_msgs/msg/Float64MultiArray"),
    ("/joint_trajectory", "trajectory_msgs/msg/JointTrajectory"),
)
"""Endings and types of command topics, the best source first."""

OTHER_CLOCK = 1.0
"""Stamps further than this from reception are of another clock [s]."""

Message = tuple[int, Any]
"""Receive time [ns] and decoded message."""


def read_bag(path: Path, robot: RobotSpec | None) -> RunLog:
    """Read a bag that exists; use :func:`forearm.core.log_io.read_log`.

    Raises:
        FileError: there are no joint states.
        MismatchError: the bag is of other joints.
        Exception: whatever a damaged file makes the parsers raise.
    """
    if path.is_dir() and not (path / "metadata.yaml").exists():
        files = [f for f in sorted(path.iterdir()) if f.suffix in (".mcap", ".db3")]
        if len(files) != 1:
            raise FileError(path, f"holds {len(files)} bag files and no metadata.yaml")
        path = files[0]
    with AnyReader([path], default_typestore=get_typestore(STORE)) as bag:
        topics = {c.topic: c.msgtype for c in bag.connections}
        states, found = {}, {}
        for topic, kind in topics.items():
            if kind == JOINT_STATE and topic.endswith("joint_states"):
                states[topic] = _messages(bag, topic)
        if not any(states.values()):
            names = ", ".join(sorted(topics)) or "none"
            raise FileError(path, f"holds no joint_states; its topics: {names}")
        topic, joints = _choose(states, robot)
        for ending, kind in COMMANDS:
            found = {
                t: m
                for t, k in topics.items()
                if t.endswith(ending) and k == kind and (m := _messages(bag, t))
            }
            if found:
                break
    return _assemble(path, topic, joints, states[topic], found, robot)


def _messages(bag: AnyReader, topic: str) -> list[Message]:
    connections = [c for c in bag.connections if c.topic == topic]
    return [
        (stamp, bag.deserialize(raw, connection.msgtype))
        for connection, stamp, raw in bag.messages(connections)
    ]


def _choose(
    states: dict[str, list[Message]], robot: RobotSpec | None
) -> tuple[str, tuple[str, ...]]:
    """Return the topic and joints to read: the robot's, else the most frequent."""
    counts = Counter((t, tuple(m.name)) for t, ms in states.items() for _, m in ms)
    for (topic, names), _ in counts.most_common():
        if robot is None:
            return topic, names
        found = named_as(names, robot.joint_names)
        if found is not None:
            return topic, found
    seen = sorted({name for _, names in counts for name in names})
    assert robot is not None
    raise MismatchError(
        "joint names", shown_names(seen), list(robot.joint_names), "check --robot"
    )


def _assemble(
    path: Path,
    topic: str,
    joints: tuple[str, ...],
    states: list[Message],
    found: dict[str, list[Message]],
    robot: RobotSpec | None,
) -> RunLog:
    chosen = [(t, m) for t, m in states if set(joints) <= set(m.name)]
    stamps = np.array([_stamp(t, m) for t, m in chosen])
    ages = np.array([t * 1e-9 for t, _ in chosen]) - stamps
    age = float(np.median(ages))
    shift = age if abs(age) > OTHER_CLOCK else 0.0
    time, keep = _increasing(stamps)
    rows = {
        name: _rows(chosen, name, joints)[keep]
        for name in ("position", "velocity", "effort")
        if name == "position" or _recorded(chosen, name, joints)
    }
    # Of several command topics the one beside the joint states is this arm's.
    space = topic.rsplit("/", 1)[0]
    name = max(found, key=lambda t: (t.startswith(space), len(found[t])), default="")
    sent, command = _commands(found.get(name, []), joints, robot, shift)
    command_time, kept = _increasing(sent)
    meta: dict[str, Any] = {
        "source": str(path),
        "topic": topic,
        "command_topic": name or None,
        "clock_offset": shift,
        # From measurement to reception, where stamps say when it was measured.
        "state_age": age if age > 0 and not shift else None,
        "state_age_std": float(np.median(np.abs(ages - age)) / 0.6745),
        "dropped_states": int((~keep).sum()),
        "dropped_commands": int((~kept).sum()),
    }
    return make_log(
        joints,
        time,
        rows["position"],
        rows.get("velocity"),
        rows.get("effort"),
        command_time,
        command[kept],
        **meta,
    )


def _stamp(received: int, message: Any) -> float:
    stamp = message.header.stamp
    whole = stamp.sec + stamp.nanosec * 1e-9
    return float(whole if whole else received * 1e-9)


def _increasing(stamps: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the stamps later than all before them, and which ones these are."""
    keep = np.ones(len(stamps), np.bool_)
    keep[1:] = stamps[1:] > np.maximum.accumulate(stamps)[:-1]
    return stamps[keep], keep


def _recorded(messages: list[Message], field: str, joints: tuple[str, ...]) -> bool:
    """A driver without a signal leaves it empty or fills it with NaN throughout."""
    if any(len(getattr(m, field)) != len(m.name) for _, m in messages):
        return False
    return not np.isnan(_rows(messages, field, joints)).all()


def _rows(messages: list[Message], field: str, joints: tuple[str, ...]) -> Floats:
    rows, order, index = [], None, []
    for _, message in messages:
        if message.name != order:
            order = message.name
            index = [order.index(joint) for joint in joints]
        rows.append(np.asarray(getattr(message, field), np.float64)[index])
    return np.array(rows).reshape(-1, len(joints))


def _commands(
    messages: list[Message],
    joints: tuple[str, ...],
    robot: RobotSpec | None,
    shift: float,
) -> tuple[Floats, Floats]:
    sent: list[float] = []
    rows: list[list[float]] = []
    for received, message in messages:
        time = received * 1e-9 - shift
        if hasattr(message, "points") and len(message.points) > 1:
            # The controller plays all of it, until the next one comes.
            if not set(joints) <= set(message.joint_names):
                continue
            times, values = played(message, joints)
            keep = [k for k, t in enumerate(sent) if t < time]
            sent = [sent[k] for k in keep] + (time + times).tolist()
            rows = [rows[k] for k in keep] + values.tolist()
            continue
        if hasattr(message, "points"):
            names, first = message.joint_names, message.points[:1]
            values = first[0].positions if first else []
        elif hasattr(message, "data"):
            # Without names only the robot says which joint is which.
            names, values = list(robot.joint_names if robot else ()), message.data
        else:
            names, values, time = (
                message.name,
                message.position,
                _stamp(received, message),
            )
        if set(joints) <= set(names) and len(values) == len(names):
            sent.append(time)
            rows.append([values[names.index(joint)] for joint in joints])
    return np.array(sent, np.float64), np.array(rows, np.float64).reshape(
        -1, len(joints)
    )
