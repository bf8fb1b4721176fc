"""OnnxActor: a bundle's graph as a policy of the batched simulator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forearm.core.bundle import Bundle

from .parity import make_session, run_rows

Singles = NDArray[np.float32]


class OnnxActor:
    """Runs the exported graph row by row, just as the robot does."""

    def __init__(self, bundle: Bundle) -> None:
        """Open the graph of ``bundle``."""
        self._session = make_session(bundle.policy.read_bytes())
        self._names = [i.name for i in bundle.contract.inputs]

    def act(self, sensors: Mapping[str, Singles], observation: Singles) -> Singles:  # noqa: ARG002
        """Return commands [rad] (nsim, n); the graph observes by itself."""
        named = {n: np.asarray(sensors[n], np.float32) for n in self._names}
        return run_rows(self._session, named)
