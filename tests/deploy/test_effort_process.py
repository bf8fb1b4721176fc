"""Around the effort guard: joint states, the standby, and what is refused."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from forearm.core.errors import LimitError
from forearm.core.robots import get_robot
from forearm.deploy.effort_guard import STATE_TIMEOUT
from forearm.deploy.effort_guarding import carried_links, effort_joints
from forearm.deploy.effort_node import StateReader, wait_for_silence
from forearm.deploy.sample import sample_contract

DT = 0.02


def state(names, position, stamp):
    sec = int(stamp)
    header = SimpleNamespace(
        stamp=SimpleNamespace(sec=sec, nanosec=int((stamp - sec) * 1e9))
    )
    return SimpleNamespace(
        header=header, name=names, position=position, velocity=position
    )


def test_states_are_read_by_name_and_only_news():
    reader = StateReader(["a", "b"])
    assert reader.read(state(["b", "x", "a"], [2.0, 0.0, 1.0], 5.0), 1.0) == (
        [1.0, 2.0],
        [1.0, 2.0],
    )
    again = state(["a", "b"], [1.0, 2.0], 5.0)
    assert reader.read(again, 1.004) is None
    late = state(["a", "b"], [1.0, 2.0], 5.008)
    assert reader.read(late, 1.008 + STATE_TIMEOUT + 0.001) is None
    assert reader.read(state(["a", "a"], [1.0, 2.0], 5.040), 1.040) == ([], [])


def test_the_standby_takes_over_from_the_dead_and_not_from_those_that_end():
    def verdict(word):
        reads, writes = os.pipe()
        victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
        os.write(writes, word) if word else None
        if b"q" in word or not word:
            os.close(writes)
        try:
            return wait_for_silence(reads, victim.pid, []), victim
        finally:
            victim.kill()
            victim.communicate()

    assert verdict(b"..q")[0] is False
    assert verdict(b"")[0] is True
    taken, hanging = verdict(b"..")
    assert taken is True
    assert hanging.returncode == -9


def test_arms_that_efforts_cannot_drive_are_refused_in_words():
    bare = sample_contract(get_robot("so101"), DT)
    with pytest.raises(LimitError, match="does not carry its weight"):
        carried_links(bare)
    panda = sample_contract(get_robot("panda").with_gripper(), DT)
    with pytest.raises(LimitError, match="arms alone"):
        effort_joints(panda)
