import fcntl
import os
from pathlib import Path

import pytest

from forearm.core.robots import get_robot
from forearm.deploy.sample import sample_bundle


@pytest.fixture(scope="session")
def robot():
    return get_robot("ur5e")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, robot):
    return sample_bundle(tmp_path_factory.mktemp("bundle") / "sample", robot)


@pytest.fixture
def domain(tmp_path, monkeypatch):
    """Give the test its own ROS domain, on this machine only."""
    lock = None
    for number in range(1, 100):
        path = Path(f"/tmp/forearm_domain_{(os.getpid() + number) % 99 + 1}")
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        break
    monkeypatch.setenv("ROS_DOMAIN_ID", path.name.rsplit("_", 1)[1])
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    lock.close()
