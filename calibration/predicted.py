"""What the fitted intervals predict for held-out logs, whatever the fit was."""

from __future__ import annotations

import numpy as np

from forearm.core.errors import LimitError

from .bench_envelope import bench_envelope
from .envelope import Envelope, envelope
from .pendulum_fit import is_bench
from .posterior_file import posterior_randomization
from .result import Result


def predicted(result: Result, seed: int = 0) -> Envelope | None:
    """Return the range of simulators that the fit thinks possible, or none.

    Args:
        result: a calibration by replay.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    try:
        if is_bench([window.log for window in result.held]):
            return bench_envelope(result, rng)
        drawn = posterior_randomization(result.params, result.robot)
    except LimitError:
        # Nothing was fitted, so nothing is predicted.
        return None
    return envelope(result.robot, result.params, drawn, result.held, rng)
