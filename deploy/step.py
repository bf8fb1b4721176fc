"""Step: what one period came to, and what the operator chose for all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from forearm.core.geometry import Tool, Workspace

from .state_machine import State


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """What the operator chooses, not the contract."""

    ramp: float = 0.5
    """Time from standstill to the policy's full say [s]."""
    recover: float = 0.5
    """Clean time after which HOLD ends by itself [s]."""
    missed_budget: int = 5
    """Consecutive missed periods that are accepted."""
    simulated_time: bool = False
    """Whether the robot's stamps run at another rate than this computer's clock."""
    workspace: Workspace | None = None
    """Box that the commanded pose may not leave, besides the contract's."""
    clearance: float | None = None
    """Least distance between two parts of the arm [m]; the contract's may be larger."""
    tool: Tool | None = None
    """What was mounted on the arm that its bundle does not know."""
    hold_when_shifted: bool = False
    """Whether inputs outside the training distribution stop the arm."""
    authority: float = 1.0
    """Share of the policy's motion that is commanded, 0 to 1."""
    fallback: bool = False
    """Whether trouble takes the authority back."""


@dataclass(slots=True)
class Step:
    """What one period came to; reused, so copy what is kept."""

    command: list[float] = field(default_factory=list)
    """Joint command [rad], always within the limits."""
    velocity: list[float] = field(default_factory=list)
    """Its finite difference [rad/s]."""
    wish: list[float] = field(default_factory=list)
    """What the policy asked for [rad]; empty where it was not run."""
    measured: list[float] = field(default_factory=list)
    """Joint positions that the command answers [rad]."""
    state: State = State.HOLD
    """State of the machine."""
    reason: str = ""
    """Why the arm does not move, if it does not."""
    age: float = math.inf
    """Age of the joint state [s]."""
    limited: bool = False
    """Whether the limiter changed what the policy asked for."""
