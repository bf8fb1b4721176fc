"""The expert: fair tasks, the same plan for the same seed, demonstrations on disk."""

import json

import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.errors import LimitError
from forearm.core.log_io import read_log
from forearm.core.robots import get_robot
from forearm.core.statistics import wilson
from forearm.policies.evaluate import evaluate, random_policy
from forearm.sim import baselines
from forearm.sim.demonstration import demonstrate, write_demonstrations
from forearm.sim.expert import Expert, Plan, copy_arrays
from forearm.sim.guides import GUIDES
from forearm.sim.inverse_kinematics import DOWN, solve_down
from forearm.sim.loop import ArmLoop
from forearm.sim.tasks import TASKS, get_task

UR5E = get_robot("ur5e")


@pytest.mark.parametrize("name", TASKS)
def test_the_expert_solves_every_task(name):
    """Five of five: chance would need the fifth power of its less than 5 %."""
    done = demonstrate(UR5E, get_task(name), episodes=5)
    assert done.successes == 5, done.as_dict()["failed_seeds"]


@pytest.mark.parametrize("name", TASKS)
def test_a_random_policy_solves_none(name):
    task = get_task(name)
    chance = evaluate(UR5E, task, random_policy(UR5E, task), episodes=60)
    # Of 60 episodes a policy with 5 % would succeed in at least one with 95 %.
    assert chance.successes == 0


def test_every_task_has_a_guide():
    assert set(GUIDES) == set(TASKS)


def test_an_episode_depends_on_its_seed_alone():
    task = get_task("insert")
    plan = Plan(samples=4, noise=0.3, margin=-1.0)
    first = demonstrate(UR5E, task, episodes=2, seed=10_001, plan=plan).episodes
    again = demonstrate(UR5E, task, episodes=3, seed=10_000, plan=plan).episodes
    for one, other in zip(first, again[1:], strict=True):
        assert one.seed == other.seed
        np.testing.assert_array_equal(one.action, other.action)
        assert (one.success, one.reward) == (other.success, other.reward)
    assert not np.array_equal(first[0].action, first[1].action)


def test_a_rollout_of_the_bare_guide_is_what_then_happens():
    """The copy plans on the true state: the first sample repeats itself in the loop."""
    loop = ArmLoop(UR5E, get_task("push"), 2)
    loop.seed([1, 2])
    loop.reset()
    expert = Expert(loop, Plan(samples=2, period=10**9))
    for _ in range(30):
        loop.step(expert.act())
    copy, noise = expert._copy, np.zeros((4, 20, loop.robot.n))
    copy.load(loop, expert._guide, expert._source)
    copy.rollout(noise)
    for _ in range(20):
        loop.step(expert.act())
    np.testing.assert_array_equal(copy.batch.joint_pos[::2], loop.batch.joint_pos)
    puck = loop.task.scene.position("puck")
    np.testing.assert_array_equal(copy.task.scene.position("puck")[::2], puck)


def test_copying_takes_arrays_over_the_simulations_and_nothing_else():
    class Thing:
        def __init__(self, n):
            self.rows, self.table = np.arange(2.0 * n).reshape(n, 2), np.zeros(7)

    source, target = Thing(2), Thing(4)
    target.table[:] = 5.0
    copy_arrays(source, target, 2, np.array([1, 1, 0, 1]))
    assert target.rows.tolist() == [[2, 3], [2, 3], [0, 1], [2, 3]]
    assert target.table.tolist() == [5.0] * 7


@pytest.mark.parametrize("robot", ["ur5e", "panda", "so101"])
def test_the_batched_solver_points_tools_down_at_points(robot):
    arm = get_robot(robot)
    size = 0.2 if robot == "so101" else 0.5
    angle = np.linspace(-0.5, 0.5, 9)
    height = np.full(9, 0.05 if robot == "so101" else 0.2)
    position = np.stack([size * np.cos(angle), size * np.sin(angle), height], axis=1)
    joint_pos, error = solve_down(arm, position, np.repeat(arm.home[None], 9, axis=0))
    from forearm.core.kinematics import Kinematics

    pose = Kinematics(arm)(joint_pos)
    assert error.max() < 1e-4
    np.testing.assert_allclose(pose.position, position, atol=1e-4)
    np.testing.assert_allclose(pose.rotation[:, :, 2], np.tile(DOWN, (9, 1)), atol=1e-4)


def test_demonstrations_are_logs_with_the_sensors_beside_them(tmp_path):
    task = get_task("reach")
    done = demonstrate(UR5E, task, episodes=2)
    write_demonstrations(tmp_path / "demos", UR5E, task, done)
    for episode in done.episodes:
        path = tmp_path / "demos" / f"episode_{episode.seed}"
        log = read_log(path, UR5E)
        assert len(log.time) == round(task.episode_time / task.control_dt)
        np.testing.assert_allclose(log.command, episode.command, atol=1e-12)
        np.testing.assert_allclose(log.position, episode.sensors["joint_pos"])
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as data:
            assert bool(data["success"])
            np.testing.assert_array_equal(data["action"], episode.action)
            names = {n.removeprefix("sensor_") for n in data.files if "_" in n}
            assert names == set(task.interface(UR5E).sensors)


def test_no_episode_is_refused():
    with pytest.raises(LimitError, match="at least one"):
        demonstrate(UR5E, get_task("reach"), episodes=0)


def test_the_command_prints_expert_and_chance_and_writes_both(tmp_path, capsys):
    target = tmp_path / "r.json"
    status = main(["expert", "reach", "--episodes", "3", "--json", str(target)])
    assert status == 0
    result = json.loads(target.read_text())
    assert result["success"] == 1.0
    assert result["wilson_95"] == list(wilson(3, 3))
    assert result["random"]["success"] == 0.0
    assert "100% [44%, 100%] of 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["expert"], "name a task"),
        (["expert", "reach", "--all"], "name a task"),
        (["expert", "fly"], "pick_place"),
        (["expert", "reach", "--episodes", "0"], "positive"),
        (["expert", "reach", "--robot", "r2d2"], "ur5e"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, word, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1


def test_a_record_counts_only_while_the_task_is_the_same(tmp_path):
    task = get_task("reach")
    entry = {"robot": "ur5e", "task": "reach", "success": 1.0}
    entry["digest"] = baselines.task_digest(UR5E, task)
    record = tmp_path / "baselines.json"
    record.write_text(json.dumps({"results": [entry]}))
    assert baselines.find_expert(UR5E, task, record) == entry
    assert baselines.find_expert(UR5E, get_task("track"), record) is None
    easier = type("Easier", (task,), {"position_tolerance": 0.1})
    assert baselines.find_expert(UR5E, easier, record) is None
    assert baselines.find_expert(UR5E, task, tmp_path / "none.json") is None
