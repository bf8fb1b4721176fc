"""State machine: RAMP_IN, RUN, HOLD, FAULT, ESTOP.

``HOLD`` stops the arm and goes on by itself once its input has been clean for a
while. ``FAULT`` and ``ESTOP`` stop it and stay until the node is deactivated and
activated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from forearm.core.contract import Reactions

from .faults import Problem, reaction


class State(Enum):
    """What the runtime is doing."""

    RAMP_IN = "ramp_in"
    RUN = "run"
    HOLD = "hold"
    FAULT = "fault"
    ESTOP = "estop"

    @property
    def moves(self) -> bool:
        """Whether the policy drives the arm."""
        return self in (State.RAMP_IN, State.RUN)

    @property
    def latched(self) -> bool:
        """Whether only a new activation leaves this state."""
        return self in (State.FAULT, State.ESTOP)


class StateMachine:
    """The state, why it is so, and how far the policy is blended in."""

    def __init__(self, reactions: Reactions, ramp: float, recover: float) -> None:
        """Start in HOLD.

        Args:
            reactions: of the contract.
            ramp: time from standstill to the policy's full say [s].
            recover: clean time after which HOLD ends [s].
        """
        self._reactions = reactions
        self._ramp = ramp
        self._recover = recover
        self.activate()

    def activate(self) -> None:
        """Leave every state, latched ones too; the next clean tick ramps in."""
        self.state = State.HOLD
        self.reason = "waiting for input"
        self._clean_since = float("-inf")
        self._since = float("-inf")

    def estop(self, why: str) -> None:
        """Stop and stay stopped."""
        self.state, self.reason = State.ESTOP, why

    def update(self, problems: Sequence[Problem], now: float) -> State:
        """Advance with what is wrong at time ``now`` [s]."""
        if self.state.latched:
            return self.state
        if problems:
            self._clean_since = now + self._recover
            worst = next(
                (p for p in problems if reaction(p.fault, self._reactions) == "stop"),
                None,
            )
            self.state = State.FAULT if worst else State.HOLD
            self.reason = (worst or problems[0]).text
        elif self.state is State.HOLD:
            if now >= self._clean_since:
                self.state, self.reason, self._since = State.RAMP_IN, "", now
        elif self.state is State.RAMP_IN and now - self._since >= self._ramp:
            self.state = State.RUN
        return self.state

    def blend(self, now: float) -> float:
        """Return the policy's share of the command, 0 to 1."""
        if self.state is State.RUN:
            return 1.0
        if self.state is State.RAMP_IN:
            return min(max((now - self._since) / self._ramp, 0.0), 1.0)
        return 0.0
