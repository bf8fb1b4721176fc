"""Requirements: what a contract asks of this runtime and this computer."""

from __future__ import annotations

import math

from forearm.core.contract import Contract
from forearm.core.errors import MismatchError

PRODUCED = {
    "joint_pos",
    "joint_vel",
    "previous_command",
    "previous_command_vel",
    "target_position",
    "target_quat_wxyz",
    "target_velocity",
    "object_position",
    "object_quat_wxyz",
}
"""Inputs this runtime can produce."""

TASK_SOURCES = {
    "target": ("target_position", "target_quat_wxyz"),
    "target velocity": ("target_velocity",),
    "object pose": ("object_position", "object_quat_wxyz"),
}
"""Inputs that arrive together, by what brings them."""

SHORTEST_PERIOD = 0.001
"""Control period below which a Python loop cannot be on time [s]."""

DEFAULT_MAX_AGE = 0.1
"""Oldest joint state acted on where the contract says nothing [s]."""


def check_inputs(contract: Contract) -> None:
    """Refuse a policy that needs an input which this runtime does not produce.

    Raises:
        MismatchError: there is one.
    """
    unknown = sorted({i.name for i in contract.inputs} - PRODUCED)
    if unknown:
        raise MismatchError("policy inputs", unknown, sorted(PRODUCED))


def check_rate(control_dt: float, seconds: float) -> None:
    """Refuse a rate that this computer cannot keep.

    Args:
        control_dt: period asked for [s].
        seconds: what one run of the policy takes here [s].

    Raises:
        MismatchError: the period is too short.
    """
    shortest = max(SHORTEST_PERIOD, 2 * seconds)
    if control_dt < shortest:
        raise MismatchError(
            "control rate",
            f"{1 / control_dt:.0f} Hz",
            f"at most {1 / shortest:.0f} Hz on this computer",
            f"one run of the policy takes {seconds * 1e3:.2f} ms here",
        )


def check_delay(contract: Contract, seconds: float) -> None:
    """Refuse a policy that tolerates less delay than any loop has here.

    It would be activated, and hold for ever.

    Args:
        contract: of the bundle.
        seconds: what one run of the policy takes here [s].

    Raises:
        MismatchError: it tolerates none, or less than one run of its own takes.
    """
    tolerated = contract.latency.tolerated
    if tolerated is None or tolerated > seconds:
        return
    raise MismatchError(
        "delay that the policy tolerates",
        f"{1e3 * tolerated:g} ms",
        f"more than the {1e3 * seconds:.2f} ms that one run of it takes here",
        "the node would never let it move: find what it tolerates between the delays "
        "tried (forearm evaluate BUNDLE --delays 2,4,6,8 --write) or train with delays",
    )


def task_ages(contract: Contract) -> dict[str, float]:
    """Return what a policy has to be told of its task, and how old it may be [s]."""
    ages: dict[str, float] = {}
    for what, names in TASK_SOURCES.items():
        found = [i for i in contract.inputs if i.name in names]
        if found:
            ages[what] = min((i.max_age for i in found if i.max_age), default=math.inf)
    return ages


def max_age(contract: Contract, kind: str, default: float) -> float:
    """Return the oldest age [s] at which every input of a ``kind`` may be acted on."""
    ages = [i.max_age for i in contract.inputs if i.kind == kind and i.max_age]
    return min(ages, default=default)
