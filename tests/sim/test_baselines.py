"""The recorded baselines: complete, of today's tasks, and above the bar."""

import pytest

from forearm.core.files import read_structured
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.baselines import RECORD, find_expert
from forearm.sim.tasks import TASKS, get_task

PAIRS = [(robot, task) for robot in ROBOTS for task in TASKS]
RESULTS = {(e["robot"], e["task"]): e for e in read_structured(RECORD)["results"]}


def test_every_robot_and_task_is_recorded_once():
    assert len(read_structured(RECORD)["results"]) == len(RESULTS)
    assert set(RESULTS) == set(PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=":".join)
def test_the_expert_succeeds_and_chance_does_not(pair):
    entry = RESULTS[pair]
    assert entry["episodes"] >= 40
    assert entry["success"] >= 0.95
    assert entry["random"]["episodes"] >= 100
    assert entry["random"]["success"] < 0.05


@pytest.mark.parametrize(
    "pair", [("ur5e", task) for task in TASKS] + [("so101", "push")], ids=":".join
)
def test_the_record_is_of_the_task_of_today(pair):
    """Whoever changes what a task asks for records the expert again."""
    assert find_expert(get_robot(pair[0]), get_task(pair[1])) == RESULTS[pair]
