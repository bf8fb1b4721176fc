"""Memory that is locked, and the priority of the control thread."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, mmap, pathlib
from forearm.deploy.realtime import enter_realtime

def field(name):
    status = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(name))

SIZE = 64 << 20
before = mmap.mmap(-1, SIZE)
said = enter_realtime()
held = field("VmRSS")
after = mmap.mmap(-1, SIZE)
untouched = field("VmRSS")
after[: SIZE // 2] = bytes(SIZE // 2)
print(json.dumps([said, field("VmLck"), held, untouched, field("VmRSS")]))
"""
"""Run in a process of its own: memory stays locked until it ends."""


def test_what_is_there_is_locked_whole_and_what_comes_as_far_as_it_is_used():
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    said, locked, held, untouched, touched = json.loads(run.stdout)
    if "memory locked" not in said:
        pytest.skip(f"this user may not lock memory: {said}")
    mega = 1024  # kB
    assert held > 64 * mega
    assert locked > 128 * mega
    assert untouched - held < 4 * mega
    assert touched - untouched > 28 * mega
