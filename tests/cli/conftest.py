"""A policy that grips an object, untrained, for the tests of plants with objects."""

from __future__ import annotations

import pytest

from forearm.core.bundle import Bundle
from forearm.policies import export as exporting
from forearm.policies.config import TrainConfig
from forearm.policies.parity import Parity
from forearm.policies.train import train


@pytest.fixture(scope="session")
def object_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An untrained policy; the export's own proofs are other tests'."""
    folder = tmp_path_factory.mktemp("bundle")
    config = TrainConfig(
        task="pick_place",
        robot="panda",
        steps=16,
        envs=16,
        randomization="none",
        out=str(folder / "run"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "prove_parity", lambda *_: Parity(0.0, 0.0, 0, 0))
        patch.setattr(exporting, "DELAYS", [0.0])
        run = train(config, quiet=True)
        return exporting.export(run, folder / "bundle", episodes=1).bundle
