"""The node runs where only ``forearm[ros]`` is installed."""

from __future__ import annotations

import json
import signal
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from forearm.core.robot import RobotSpec
from forearm.core.robots import get_robot
from forearm.core.ros import Spinner, latched, session
from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Process, Task, check_alive, forearm, supervised

LARGEST = 400 * 2**20
"""Installed size of ``forearm[ros]`` with everything it needs, bytecode too [byte]."""

LIGHT = """
import json, sys

HEAVY = ("torch", "stable_baselines3", "gymnasium", "mujoco")


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{name} is not on the robot", name=name)


sys.meta_path.insert(0, Refuse())
for name in HEAVY:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} can be imported")
from forearm.cli.main import main

status = main(sys.argv[2:])
loaded = sorted({name.partition(".")[0] for name in sys.modules} & set(HEAVY))
with open(sys.argv[1], "w") as file:
    json.dump({"status": status, "loaded": loaded}, file)
"""


def states_until_the_policy_drives(
    robot: RobotSpec, running: dict[str, Process]
) -> list[str]:
    """Publish a target until the node says that its policy drives, at most 40 s."""
    from rclpy.node import Node
    from std_msgs.msg import String

    from forearm.deploy.targets import Target, run_episodes

    states: list[str] = []
    target = Target((0.1, -0.1, 0.1), (1.0, 0.0, 0.0, 0.0))
    with session() as context:
        node = Node("listener", context=context)
        node.create_subscription(
            String,
            "forearm_policy/status",
            lambda message: states.append(json.loads(message.data)["state"]),
            latched(),
        )
        spinner = Spinner(context, [node])
        end = time.monotonic() + 40.0
        while not {"ramp_in", "run"} & set(states) and time.monotonic() < end:
            check_alive(running)
            run_episodes(robot, [target], {"episode_time": 1.0})
        spinner.stop()
        node.destroy_node()
    return states


@pytest.mark.ros
@pytest.mark.usefixtures("ros_domain")
def test_the_node_runs_without_the_training_side(tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    robot = get_robot("ur5e")
    bundle = sample_bundle(tmp_path / "bundle", robot)
    result, report = tmp_path / "result.json", tmp_path / "report.json"
    deploy = ["deploy", str(bundle.path), "--wait", "40", "--json", str(report)]
    deploy += ["--record", str(tmp_path / "log")]
    tasks = [
        Task(name="plant", command=forearm("plant", "--robot", "ur5e")),
        Task(name="node", command=[sys.executable, "-c", LIGHT, str(result), *deploy]),
    ]
    with supervised(tasks, tmp_path / "out") as running:
        states = states_until_the_policy_drives(robot, running)
        running["node"].send(signal.SIGINT)
        assert running["node"].wait(30.0)
        words = running["node"].output()
        assert running["node"].status() == 0, words
    assert json.loads(result.read_text()) == {"status": 0, "loaded": []}, words
    assert {"ramp_in", "run"} & set(states), (states, words)
    assert int(json.loads(report.read_text())["ticks"]) > 0
    assert (tmp_path / "log" / "metadata.yaml").is_file()


def installed_size() -> dict[str, int]:
    """Return the bytes of each distribution that ``forearm[ros]`` brings along."""
    todo, done = [("forearm", ("ros",))], set()
    sizes: dict[str, int] = {}
    while todo:
        name, extras = todo.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        found = distribution(name)
        files = (Path(str(f.locate())) for f in found.files or [])
        sizes[name] = sum(f.stat().st_size for f in files if f.is_file())
        for line in found.requires or []:
            need = Requirement(line)
            active = ({"extra": e} for e in ("", *extras))
            if need.marker is None or any(need.marker.evaluate(e) for e in active):
                name = canonicalize_name(need.name)
                todo.append((name, tuple(sorted(need.extras))))
    return sizes


def test_the_robot_side_stays_small_on_disk() -> None:
    pytest.importorskip("rclpy", reason="the extra `ros` is not installed")
    sizes = installed_size()
    assert {"numpy", "onnxruntime"} <= set(sizes)
    assert not {"torch", "stable-baselines3", "gymnasium", "mujoco"} & set(sizes)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert sum(sizes.values()) < LARGEST, largest
