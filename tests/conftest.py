"""Fixtures shared by every test: this checkout, real logs, a ROS domain of its own."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from pathlib import Path

import pytest
from mcap.exceptions import McapError
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

import forearm
from forearm.deploy.supervisor import Process

# MuJoCo reads it when it is imported, which any test may be the first to do; without
# the library that import fails.
if find_library("EGL"):
    os.environ.setdefault("MUJOCO_GL", "egl")

ROOT = Path(__file__).resolve().parents[1]

DOMAINS = range(1, 102)
"""ROS domain ids whose ports lie below Linux's ephemeral range."""

if Path(str(forearm.__file__)).resolve().parent != ROOT:
    pytest.exit(
        f"these tests are of {ROOT}, but `import forearm` finds {forearm.__file__}; "
        "run them with this checkout's own environment: make test",
        returncode=2,
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout under test."""
    return ROOT


@pytest.fixture(scope="session")
def forearm_data() -> Path:
    """The folder of real robot logs; tests that need it skip where it is missing."""
    path = Path(os.environ.get("FOREARM_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no real robot logs in {path}; set FOREARM_DATA to their folder")
    return path


@contextmanager
def claimed_domain(folder: Path) -> Iterator[dict[str, str]]:
    """Environment of a ROS domain nobody else on this machine uses.

    The lock is held until the block ends, so tests of several checkouts may run at
    the same time. The environment of this process is set too.
    """
    locks = Path("/tmp") / f"forearm-ros-domains-{os.getuid()}"
    locks.mkdir(exist_ok=True)
    start = os.getpid() % len(DOMAINS)
    for domain in (*DOMAINS[start:], *DOMAINS[:start]):
        with open(locks / str(domain), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            values = {
                "ROS_DOMAIN_ID": str(domain),
                "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
                "ROS_LOG_DIR": str(folder / "ros_log"),
            }
            with pytest.MonkeyPatch.context() as patch:
                for name, value in values.items():
                    patch.setenv(name, value)
                yield {**os.environ, **values}
            return
    pytest.skip("every ROS domain id is taken by another test run")


def messages_so_far(log: Path) -> Counter[str]:
    """Count the messages per topic in a log that is still being written."""
    counts: Counter[str] = Counter()
    for file in log.glob("*.mcap"):
        topics: dict[int, str] = {}
        # What the recorder has not finished writing ends the reading.
        with file.open("rb") as stream, suppress(McapError, struct.error):
            for record in StreamReader(stream).records:
                if isinstance(record, Channel):
                    topics[record.id] = record.topic
                elif isinstance(record, Message):
                    counts[topics[record.channel_id]] += 1
    return counts


@pytest.fixture
def wait_for_messages() -> Callable[[Process, Path, dict[str, int]], None]:
    """Wait until a running program's log holds more than so many messages."""

    def wait(program: Process, log: Path, wanted: dict[str, int]) -> None:
        end = time.monotonic() + 120.0
        while any(messages_so_far(log)[t] <= n for t, n in wanted.items()):
            assert program.status() is None, program.output()
            assert time.monotonic() < end, program.output()
            time.sleep(0.2)

    return wait


@pytest.fixture
def ros_domain(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A ROS domain for one test."""
    with claimed_domain(tmp_path) as environment:
        yield environment


@pytest.fixture(scope="module")
def module_ros_domain(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """A ROS domain for all tests of one file."""
    with claimed_domain(tmp_path_factory.mktemp("ros")) as environment:
        yield environment
