"""Judge: do the commands that reached the arm keep the contract's limits?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.contract import Contract

Command = tuple[float, int, list[float]]
"""(time [s], sequence number, joint positions [rad])."""

ROUNDING = 1e-6
"""Relative tolerance of the finite differences."""


def violations(commands: Sequence[Command], contract: Contract) -> list[str]:
    """Return every command outside position, velocity, acceleration or jerk limits.

    Differences are taken over unbroken runs of sequence numbers only: a command that
    the network lost says nothing about its neighbours.
    """
    found: list[str] = []
    for run in _unbroken(commands):
        sent = np.array([values for _, _, values in run])
        found += _outside(sent, contract)
    return found


def _outside(sent: np.ndarray, contract: Contract) -> list[str]:
    found = []
    lower, upper = (
        np.array([getattr(limit, side) for limit in contract.limits])
        for side in ("lower", "upper")
    )
    bad = ~np.isfinite(sent) | (sent < lower) | (sent > upper)
    if bad.any():
        found.append(f"{int(bad.sum())} positions outside their limits")
    dt = contract.control_dt
    for order, name in enumerate(("velocity", "acceleration", "jerk"), start=1):
        limit = np.array([getattr(entry, name) for entry in contract.limits])
        if len(sent) <= order:
            continue
        excess = np.abs(np.diff(sent, order, axis=0)).max(axis=0) / dt**order / limit
        if not excess.max() <= 1 + ROUNDING:
            found.append(f"{name} {excess.max():.3f} times its limit")
    return found


def _unbroken(commands: Sequence[Command]) -> list[list[Command]]:
    runs: list[list[Command]] = []
    for command in commands:
        if runs and command[1] == runs[-1][-1][1] + 1:
            runs[-1].append(command)
        else:
            runs.append([command])
    return runs
