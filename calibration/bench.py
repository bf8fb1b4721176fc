"""``forearm bench calibration``: every case on every log that is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forearm.core.errors import FileError, LimitError, UnknownNameError

from .bench_effort import panda_torque, ur10e_current, ur10e_payload
from .bench_regressor import regressor_speed
from .bench_rollout import PLANTS, hidden_plants, xl330_servo

Case = dict[str, Any]
"""``data, model, trained_on, held_out {log: error}, unit, seconds``; where there is
one, ``peer``, ``peer_error {log: error}`` and ``peer_seconds``."""

CASES: tuple[Callable[..., list[Case]], ...] = (
    regressor_speed,
    ur10e_current,
    ur10e_payload,
    panda_torque,
    xl330_servo,
    hidden_plants,
)
"""Each takes the data folder and returns its cases; none where its logs are missing."""

PAGE = """# Calibration, measured

`forearm bench calibration --markdown FILE` writes this page.

"""
"""Above the table."""


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


def run(only: str | None = None, plants: int = PLANTS) -> dict[str, Any]:
    """Return every case whose logs are there.

    Args:
        only: name of the one case that is run; all where missing.
        plants: how many plants ``hidden_plants`` has.

    Raises:
        FileError: there is no data.
        UnknownNameError: there is no such case.
    """
    makers = {make.__name__: make for make in CASES}
    if only is not None and only not in makers:
        raise UnknownNameError("case", only, makers)
    if plants < 1:
        raise LimitError(f"--plants must be at least 1, got {plants}")
    if only == hidden_plants.__name__:
        return {"cases": hidden_plants(Path(), plants)}
    folder, cases = data_folder(), []
    for name, make in makers.items():
        if only in (None, name):
            more = {"plants": plants} if name == hidden_plants.__name__ else {}
            cases += make(folder, **more)
    return {"cases": cases}


def markdown(result: dict[str, Any]) -> str:
    """Return the cases as a page with one table, errors as means over logs."""
    head = "| data | model | error | unit | seconds | peer | error | seconds |"
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    for case in result["cases"]:
        cells = [case["data"], case["model"], _told(case["held_out"]), case["unit"]]
        cells.append(_seconds(case, ""))
        peer = case.get("peer_error", {})
        cells += [case.get("peer", ""), _told(peer), _seconds(case, "peer_")]
        rows.append("| " + " | ".join(cells) + " |")
    return PAGE + "\n".join(rows) + "\n"


def _seconds(case: Case, whose: str) -> str:
    """Return the time by the clock and, where known, of the processor."""
    names = {f"{whose}seconds": "", f"{whose}cpu_seconds": " of processor"}
    known = [f"{case[n]:.1f}{words}" for n, words in names.items() if n in case]
    return ", ".join(known)


def _told(errors: dict[str, float | None]) -> str:
    known = {k: v for k, v in errors.items() if v is not None}
    return ", ".join(f"{name} {value:.3g}" for name, value in known.items())
