"""Configure, activate, deactivate, clean up, over and over: nothing is left behind."""

import os
import time
from pathlib import Path

import pytest

from forearm.deploy.supervisor import Task, forearm

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

ROUNDS, SETTLED = 50, 10
CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE = 1, 2, 3, 4
"""Ids of lifecycle_msgs/Transition."""

GROWTH = 1.5e6
"""Memory [byte] that 40 rounds may keep: a leaked session of this bundle alone keeps
0.3 MB each, so 12 MB; the allocator's own wandering is below 1 MB."""


def use(pid):
    """Threads, file descriptors and private memory [byte] of a process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    private = sum(int(line.split()[1]) for line in rollup if "Private_" in line)
    return (
        len(os.listdir(f"/proc/{pid}/task")),
        len(os.listdir(f"/proc/{pid}/fd")),
        1024 * private,
    )


def test_fifty_rounds_leave_nothing_behind(make_rig):
    with make_rig() as rig:
        plant = forearm("plant", "--robot", "ur5e")
        rig.start(
            Task(name="plant", command=plant), rig.make_driver("auto", "--manual")
        )
        assert rig.transition(CONFIGURE)
        end = time.monotonic() + 30
        while not rig.transition(ACTIVATE):
            assert time.monotonic() < end, rig.states[-2:]
            time.sleep(0.1)
        for k in range(ROUNDS):
            begin = time.monotonic()
            if k:
                assert rig.transition(CONFIGURE)
                while not rig.transition(ACTIVATE):  # until a joint state is in
                    assert time.monotonic() - begin < 10, rig.states[-2:]
                    time.sleep(0.01)
            assert rig.transition(DEACTIVATE)
            assert rig.transition(CLEANUP)
            if k + 1 == SETTLED:
                threads, descriptors, memory = use(rig.running["node"].pid)
        after = use(rig.running["node"].pid)
        assert after[:2] == (threads, descriptors)
        assert after[2] - memory < GROWTH
