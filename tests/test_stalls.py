"""A test over ROS is repeated where the machine stalled, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

INNER = """
import math, os, signal, time
import pytest
from forearm.tests.stalls import KEY

runs = []

@pytest.fixture
def stalls(request):
    return request.config.stash[KEY]

@pytest.mark.ros
def test_stalled_once(stalls):
    runs.append(1)
    if len(runs) == 2:
        return
    stalls.watches[0].send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    stalls.watches[0].send_signal(signal.SIGCONT)
    while not stalls.found():
        time.sleep(0.01)
    raise AssertionError("after a stall")

@pytest.mark.ros
def test_never_stalled(stalls):
    stalls.start = math.inf
    raise AssertionError("by itself")

def test_not_over_ros(stalls):
    while not stalls.found():
        stalls.start = -math.inf
    raise AssertionError("of no robot")
"""


def test_only_what_failed_in_a_stall_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = ros: over ROS\n")
    command = [sys.executable, "-m", "pytest", "-p", "forearm.tests.stalls", "-q"]
    environment = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # Repeated and passed; failed; failed.
    assert "R.FF" in done.stdout, done.stdout + done.stderr
