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
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcap.exceptions import McapError
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

import forearm
from forearm.deploy.supervisor import Process

# MuJoCo reads it when it is imported, which any test may be the first to do; without
# the library that import fails.
if find_library("EGL"):
    os.environ.setdefault("MUJOCO_GL", "egl")

pytest_plugins = ["forearm.tests.stalls"]

ROOT = Path(__file__).resolve().parents[1]

DOMAINS = range(1, 102)
"""ROS domain ids whose ports lie below Linux's ephemeral range."""

FIRST = "gw0"
"""Test process that gets the first tests."""

BEHIND = 19
"""Nice value of the other ones, which also leave one core alone."""

if Path(str(forearm.__file__)).resolve().parent != ROOT:
    pytest.exit(
        f"these tests are of {ROOT}, but `import forearm` finds {forearm.__file__}; "
        "run them with this checkout's own environment: make test",
        returncode=2,
    )


@cache
def _over_ros(file: str) -> bool:
    """Whether tests of a file talk over ROS."""
    return "pytest.mark.ros" in (ROOT / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all files over ROS to one test process, the others file by file."""
    from xdist.scheduler import LoadScopeScheduling

    class OneForRos(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "ros" if _over_ros(file) else file

    return OneForRos(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is over ROS, which takes one process longest."""
    items.sort(key=lambda item: not _over_ros(item.nodeid.split("::")[0]))


def pytest_configure() -> None:
    """Let other processes step back: what is over ROS runs by the wall clock."""
    if os.environ.get("PYTEST_XDIST_WORKER", FIRST) != FIRST:
        os.setpriority(os.PRIO_PROCESS, 0, BEHIND)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[1:] or cores)


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


@pytest.fixture
def make_keys(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Write the private and the public file of a new key, as openssl does."""

    def make(name: str) -> tuple[Path, Path]:
        s = pytest.importorskip(
            "cryptography.hazmat.primitives.serialization",
            reason="forearm[sign] is not installed",
        )
        from cryptography.hazmat.primitives.asymmetric import ed25519

        key = ed25519.Ed25519PrivateKey.generate()
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        plain = s.PrivateFormat.PKCS8, s.NoEncryption()
        private.write_bytes(key.private_bytes(s.Encoding.PEM, *plain))
        private.chmod(0o600)
        info = s.PublicFormat.SubjectPublicKeyInfo
        public.write_bytes(key.public_key().public_bytes(s.Encoding.PEM, info))
        return private, public

    return make


@pytest.fixture
def keys(make_keys: Callable[[str], tuple[Path, Path]]) -> tuple[Path, Path]:
    """A private and a public key file."""
    return make_keys("key")


PUSHER_RANGES = {
    "r_shoulder_pan_joint": (-2.2854, 1.7146),
    "r_shoulder_lift_joint": (-0.5236, 1.3963),
    "r_upper_arm_roll_joint": (-1.5, 1.7),
    "r_elbow_flex_joint": (-2.3213, 0.0),
    "r_forearm_roll_joint": (-1.5, 1.5),
    "r_wrist_flex_joint": (-1.094, 0.0),
    "r_wrist_roll_joint": (-1.5, 1.5),
}


@pytest.fixture
def pusher() -> Iterator[tuple[Path, dict[str, Any]]]:
    """An arm that is not ours: an MJCF that gymnasium ships, and its spec's content.

    What a test registers is gone after it.
    """
    import gymnasium

    from forearm.core.robots import OWN

    rest = {"velocity": 2.0, "acceleration": 10.0, "jerk": 100.0, "effort": 50.0}
    servo = {"kp": 200.0, "kv": 20.0, "armature": 0.04, "viscous": 1.0, "coulomb": 0.5}
    joints = [
        {"name": n, "lower": a, "upper": b, "home": (a + b) / 2, **rest, **servo}
        for n, (a, b) in PUSHER_RANGES.items()
    ]
    tool = {"name": "tip", "xyz": [0.1, 0.0, 0.02], "rpy": [0.3, -0.2, 0.5]}
    path = Path(gymnasium.__file__).parent / "envs/mujoco/assets/pusher_v5.xml"
    yield path, {"name": "pusher", "joints": joints, "tool": tool, "payload_limit": 0.5}
    OWN.clear()


@pytest.fixture
def pusher_flags(pusher: tuple[Path, dict[str, Any]], tmp_path: Path) -> list[str]:
    """``--model`` and ``--spec`` of that arm, the spec file written."""
    path, content = pusher
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(content))
    return ["--model", str(path), "--spec", str(spec)]
