"""A plant that is there for a task: its objects, its reset, its verdict over ROS 2."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forearm.core.bundle import Bundle
from forearm.core.robots import get_robot
from forearm.deploy.supervisor import Task, check_alive, forearm, supervised
from forearm.sim.loop import ArmLoop
from forearm.sim.plant_task import PlantTask
from forearm.sim.tasks import get_task

rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("module_ros_domain")]

SEED, STEPS = 10_000, 20
RATE = 250.0


def make_task(name: str = "pick_place") -> PlantTask:
    made = PlantTask(get_robot("panda"), get_task(name))
    made.task.steps = STEPS
    return made


@pytest.fixture
def plant() -> Iterator[Any]:
    """A plant's node in this process; whoever calls ``cycle`` lets time pass."""
    from forearm.core.ros import session
    from forearm.sim.plant_node import PlantNode, PlantOptions

    options = PlantOptions(robot="panda", task="pick_place", seed=SEED, rate=RATE)
    with session() as context:
        node = PlantNode(make_task(), options, context)
        yield node
        node.destroy_node()


def reset(node: Any) -> Any:
    return node.desk._on_reset(None, SimpleNamespace(success=None, message=""))


def command(node: Any, joint_pos: np.ndarray) -> None:
    node._on_forward(SimpleNamespace(data=joint_pos.tolist()))


def cycles(node: Any, periods: int) -> None:
    for _ in range(round(periods * 0.02 * RATE)):
        node.cycle(1 / RATE)


def test_a_reset_starts_the_episode_that_the_simulator_has_for_the_seed(
    plant: Any,
) -> None:
    for seed in (SEED, SEED + 1):
        assert reset(plant).message == f"seed {seed}"
        loop = ArmLoop(get_robot("panda"), get_task("pick_place"), 1)
        loop.seed([seed])
        loop.reset()
        np.testing.assert_allclose(plant.plant.joint_pos, loop.batch.joint_pos[0])
        told = plant.desk.on.told()
        for name, value in loop.task.sensors().items():
            np.testing.assert_array_equal(told[name], value[0])


def test_the_clock_starts_with_a_command_and_the_verdict_is_the_tasks_own(
    plant: Any,
) -> None:
    reset(plant)
    desk, task = plant.desk, plant.desk.on.task
    before = plant.plant.time
    cycles(plant, 3)
    # Joint states have not yet told for long that the arm is elsewhere.
    assert (desk.state, desk._ticks) == ("placed", 0)
    cycles(plant, 3)
    assert (desk.state, desk._ticks) == ("waiting", 0)
    for standing in (False, True):
        if standing:
            desk._heard = -np.inf
            reset(plant)
            one, upright = np.zeros(1, np.intp), np.array([[1.0, 0.0, 0.0, 0.0]])
            task.scene.place(one, "can", task.target.astype(np.float64), upright)
        command(plant, plant.plant.joint_pos)
        cycles(plant, STEPS - 1)
        assert desk.state == "running"
        cycles(plant, 1)
        assert (desk.state, desk.success) == ("done", standing)
    assert plant.plant.time > before + 2 * STEPS * 0.02


def test_a_reset_is_refused_while_commands_arrive_and_forgets_them_after(
    plant: Any,
) -> None:
    reset(plant)
    command(plant, plant.plant.joint_pos + 0.02)
    refused = reset(plant)
    assert (refused.success, plant.desk.seed) == (False, SEED)
    assert "deactivate the policy" in refused.message
    cycles(plant, 5)
    plant.desk._heard = -np.inf
    assert reset(plant).success
    start = plant.plant.joint_pos
    cycles(plant, 5)
    assert np.abs(plant.plant.joint_pos - start).max() < 2e-3


def test_a_plant_that_is_slower_than_its_task_is_refused() -> None:
    from forearm.core.errors import LimitError
    from forearm.core.ros import session
    from forearm.sim.plant_node import PlantNode, PlantOptions

    options = PlantOptions(robot="panda", task="pick_place", rate=20.0)
    with session() as context, pytest.raises(LimitError, match="at least 50 Hz"):
        PlantNode(make_task(), options, context)


@contextmanager
def living(plant: Any) -> Iterator[None]:
    """Let time pass for the plant, and its messages come, in threads of their own."""
    from forearm.core.ros import Spinner
    from forearm.sim.plant_loop import keep_time

    stop = threading.Event()
    spinner = Spinner(plant.context, [plant])
    thread = threading.Thread(target=keep_time, args=(plant, RATE, 1.0, stop.is_set))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        spinner.stop()


def test_episodes_of_a_gripping_policy_are_judged_over_dds(
    plant: Any, object_bundle: Bundle, tmp_path: Path
) -> None:
    from forearm.deploy.episodes_ros import run_task_episodes

    node = Task(name="node", command=forearm("deploy", str(object_bundle.path)))
    with living(plant), supervised([node], tmp_path) as running:
        verdicts = run_task_episodes(2)
        check_alive(running)
    assert [(v.seed, v.success) for v in verdicts] == [
        (SEED, False),
        (SEED + 1, False),
    ]
    assert all(v.seconds == pytest.approx(STEPS * 0.02) for v in verdicts)
    assert all(v.reward > 0 for v in verdicts)
    assert plant.dropped == 0
    # The policy sensed goal and object, else it had held the arm where it stood.
    start = make_task()
    start.start(SEED + 1)
    assert np.abs(plant.plant.joint_pos - start.plant.joint_pos).max() > 5e-3
