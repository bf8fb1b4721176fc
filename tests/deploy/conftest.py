import pytest

from forearm.core.robots import get_robot
from forearm.deploy.sample import sample_bundle


@pytest.fixture(scope="session")
def robot():
    return get_robot("ur5e")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, robot):
    return sample_bundle(tmp_path_factory.mktemp("bundle") / "sample", robot)
