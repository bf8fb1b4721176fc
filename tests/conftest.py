"""Fixtures shared by every test: this checkout, real logs, a ROS domain of its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

import forearm

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
