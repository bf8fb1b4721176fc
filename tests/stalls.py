"""Stalls: when this machine ran nothing, as the host of a virtual one lets happen.

What is over ROS runs by the wall clock. A robot that falls silent for 100 ms is a fault
that a policy node must react to, also where the host stood still and not the robot. As
a pytest plugin: a test over ROS that fails is repeated where a stall was measured while
it ran, and nowhere else.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

LONGEST = 0.05
"""Sleep that is not a stall yet [s]: half of what a robot may be silent."""

REPEATS = 2
"""How often a test may be repeated."""

WATCH = """
import os, sys, time
core, longest, parent = int(sys.argv[1]), float(sys.argv[2]), os.getppid()
os.sched_setaffinity(0, [core])
last = time.monotonic()
print(last, 0, flush=True)
while os.getppid() == parent:
    time.sleep(0.01)
    now = time.monotonic()
    if now - last > longest:
        print(now, now - last, flush=True)
    last = now
"""


class Stalls:
    """A process on each core that sleeps, and says when it slept too long."""

    def __init__(self, folder: Path) -> None:
        """Begin to watch; what is found is kept in a file of ``folder``."""
        self.file = folder / "stalls.txt"
        self.start = 0.0
        """Time from which on a stall counts [s]."""
        with self.file.open("a") as out:
            self.watches = [
                subprocess.Popen(
                    [sys.executable, "-ISc", WATCH, str(core), str(LONGEST)],
                    stdout=out,
                )
                for core in sorted(os.sched_getaffinity(0))
            ]
        while len(self.file.read_text().splitlines()) < len(self.watches):
            time.sleep(0.01)
        self.begin()

    def begin(self) -> None:
        """Forget what was before."""
        self.start = time.monotonic()

    def found(self) -> list[float]:
        """Return the lengths of the stalls that ended since :meth:`begin` [s]."""
        lines = [line.split() for line in self.file.read_text().splitlines()]
        return [float(gap) for end, gap in lines if float(end) > self.start]

    def stop(self) -> None:
        """End the watching processes."""
        for watch in self.watches:
            watch.kill()
            watch.wait()


def keep_in_memory() -> None:
    """Lock what is loaded from now on, where permitted.

    A kernel may drop pages of libraries that nobody needed for a minute; reading them
    back from a disk that others use is a stall too, also for a test's own processes,
    which share them.
    """
    current, future, when_loaded = 1, 2, 4
    ctypes.CDLL(None).mlockall(current | future | when_loaded)


KEY = pytest.StashKey[Stalls]()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Let what is over ROS be repeated after a stall."""
    over_ros = [item for item in items if item.get_closest_marker("ros")]
    if not over_ros or config.option.collectonly:
        return
    keep_in_memory()
    folder = tempfile.TemporaryDirectory(prefix="stalls")
    stalls = Stalls(Path(folder.name))
    config.stash[KEY] = stalls
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(stalls.stop)
    for item in over_ros:
        item.add_marker(pytest.mark.flaky(reruns=REPEATS, condition=stalls.found))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Count the stalls of this test only."""
    if KEY in item.config.stash:
        item.config.stash[KEY].begin()
