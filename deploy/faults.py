"""Faults: what can go wrong around the policy, and the contract's reaction to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from forearm.core.contract import Reaction, Reactions


class Fault(Enum):
    """One kind of fault; the value is the field of the contract's reactions."""

    STALE = "stale_input"
    INVALID = "invalid_input"
    OUTPUT = "invalid_output"
    TRACKING = "tracking_error"
    SECOND_PUBLISHER = "second_publisher"
    DISTRIBUTION = "out_of_distribution"
    MISSED = "missed_deadlines"
    LATENCY = "latency"
    WORKSPACE = "workspace"
    SELF_COLLISION = "self_collision"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault seen now, in words."""

    fault: Fault
    """Its kind."""
    text: str
    """What was got and what was expected."""


def reaction(fault: Fault, reactions: Reactions) -> Reaction:
    """Return the contract's reaction; what it does not name decelerates."""
    found: Reaction = getattr(reactions, fault.value, "decelerate")
    return found
