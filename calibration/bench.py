"""``forearm bench calibration``: every case on every log that is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forearm.core.errors import FileError

from .bench_effort import panda_torque, ur10e_current, ur10e_payload
from .bench_regressor import regressor_speed
from .bench_rollout import hidden_plants, xl330_servo

Case = dict[str, Any]
"""``data, model, trained_on, held_out {log: error}, unit, seconds``; where there is
one, ``peer``, ``peer_error {log: error}`` and ``peer_seconds``."""

CASES: tuple[Callable[[Path], list[Case]], ...] = (
    regressor_speed,
    ur10e_current,
    ur10e_payload,
    panda_torque,
    xl330_servo,
    hidden_plants,
)
"""Each takes the data folder and returns its cases; none where its logs are missing."""


def data_folder() -> Path:
    """Return ``$FOREARM_DATA``, else ``../shared/data``.

    Raises:
        FileError: neither is there.
    """
    given = os.environ.get("FOREARM_DATA")
    for path in [Path(given)] if given else [Path("../shared/data")]:
        if path.is_dir():
            return path
    raise FileError(
        given or "../shared/data", "is no folder of logs", "set FOREARM_DATA to one"
    )


def run() -> dict[str, Any]:
    """Return every case whose logs are there.

    Raises:
        FileError: there is no data.
    """
    folder = data_folder()
    return {"cases": [case for make in CASES for case in make(folder)]}
