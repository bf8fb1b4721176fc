"""Effort guard: turns position commands into efforts, and rests the arm by itself.

An effort controller keeps its last effort for ever, and an arm under a constant effort
speeds up. So no effort leaves the policy node: it sends positions, and the guard, which
sees the joint states itself, makes the efforts. When the node's commands stay away the
reference brakes within the acceleration limits and the same law holds the arm there;
when joint states stay away the effort is let go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .effort import PERIOD, EffortJoint, EffortLaw, Weight
from .guard import Guard

STATE_TIMEOUT = 5 * PERIOD
"""Age of the last joint state from which on the effort is let go [s]."""

PULL = 5.0
"""Velocity per distance of the reference from the command [1/s]: closing in takes an
acceleration of 25 /s^2 times the distance, 10 rad/s^2 from 0.4 rad."""


class EffortGuard:
    """Reference, law and timeouts of one arm, without clock or transport."""

    def __init__(
        self,
        joints: Sequence[EffortJoint],
        timeout: float,
        period: float,
        weight: Weight,
        slip: float = math.inf,
    ) -> None:
        """Start without a command; nothing is sent before the first.

        Args:
            joints: of the arm, in order.
            timeout: longest time between two commands [s].
            period: control period of the node [s].
            weight: effort that the links need [Nm], see :class:`EffortLaw`.
            slip: distance from where it is held at which an arm was moved by somebody
                else, and is held where it is then [rad].
        """
        self._joints, self._slip = list(joints), slip
        self.relay = Guard(
            [j.velocity for j in joints],
            [j.acceleration for j in joints],
            timeout,
            period,
        )
        """Makes the reference's velocity, and brakes it when commands stay away."""
        self.law = EffortLaw(joints, weight)
        """Makes the efforts."""
        self.position: list[float] = []
        """Reference [rad]; empty before the first command."""
        self.velocity = [0.0] * len(self._joints)
        """Its velocity [rad/s]."""
        self.refused = 0
        """Commands and joint states of a wrong size or not finite."""
        self.blinded = 0
        """How often the effort was let go because joint states stayed away."""
        self._measured: tuple[list[float], list[float]] | None = None
        self._seen = self._advanced = -math.inf
        self._blind = self._let_go = False

    def command(self, values: Sequence[float], now: float) -> bool:
        """Take positions [rad], then velocities [rad/s]; returns whether it does.

        Before the first joint state, and while they stay away, nothing is taken.
        """
        n = len(self._joints)
        if len(values) != 2 * n or not all(map(math.isfinite, values)):
            self.refused += 1
            return False
        if self._measured is None or now - self._seen > STATE_TIMEOUT or self._let_go:
            return False
        if not self.position or self.relay.stopping:
            # Another controller may have moved the arm since.
            self._start(now)
        wanted = [
            values[n + i] + PULL * (values[i] - self.position[i]) for i in range(n)
        ]
        return self.relay.command(wanted, now) is not None

    def take_over(self) -> None:
        """Brake the arm from where and how fast it is seen next."""
        self._blind = True
        self.position = [0.0] * len(self._joints)

    def measured(
        self, position: Sequence[float], velocity: Sequence[float], now: float
    ) -> list[float] | None:
        """Take a joint state and return the efforts [Nm]; none before a command."""
        n = len(self._joints)
        values = [*position, *velocity]
        sized = len(position) == len(velocity) == n
        if not sized or not all(map(math.isfinite, values)):
            self.refused += 1
            return None
        late = now - self._seen > STATE_TIMEOUT
        self._seen, self._measured = now, (values[:n], values[n:])
        if not self.position:
            return None
        if self._let_go:
            return self.law.release(position, now)
        if late or self._blind or self._slipped():
            self._start(now)
        self._advance(now)
        return self.law.drive((self.position, self.velocity), self._measured, now)

    def tick(self, now: float) -> list[float] | None:
        """Return the next efforts while joint states stay away [Nm], else none."""
        if not self.position or now - self._seen <= STATE_TIMEOUT:
            return None
        if not self._blind:
            self.blinded += 1
        self._blind = True
        seen = self._measured[0] if self._measured else []
        return self.law.release(seen, now)

    def let_go(self) -> None:
        """Give the arm up: the effort goes to the weight and stays there."""
        self._let_go = True

    @property
    def rests(self) -> bool:
        """Whether the guard has braked the arm, or has nothing to brake with."""
        stopped = self.relay.stopping and self.relay.at_rest
        return not self.position or self._blind or stopped

    @property
    def done(self) -> bool:
        """Whether nothing but the weight is left, or nothing was ever sent."""
        return not self.position or (self._let_go and self.law.settled)

    def _slipped(self) -> bool:
        if not (self.relay.stopping and self.relay.at_rest and self._measured):
            return False
        pairs = zip(self.position, self._measured[0], strict=True)
        return any(abs(p - q) > self._slip for p, q in pairs)

    def _start(self, now: float) -> None:
        """Put the reference where the arm is, as fast as the arm is."""
        assert self._measured is not None
        self._blind, self._advanced = False, now
        self.law.begin(self._measured[0])
        pairs = list(zip(*self._measured, self._joints, strict=True))
        self.position = [min(max(q, j.lower), j.upper) for q, _, j in pairs]
        for i, (_, dq, j) in enumerate(pairs):
            self.relay.output[i] = min(max(dq, -j.velocity), j.velocity)
            self.velocity[i] = self._stoppable(i)

    def _advance(self, now: float) -> None:
        """Move the reference on; it can always stop before a position limit."""
        self.relay.tick(now)
        elapsed = min(max(now - self._advanced, 0.0), STATE_TIMEOUT)
        self._advanced = now
        for i, joint in enumerate(self._joints):
            v = self.velocity[i] = self._stoppable(i)
            p = self.position[i] + v * elapsed
            self.position[i] = min(max(p, joint.lower), joint.upper)

    def _stoppable(self, i: int) -> float:
        """Return the relay's velocity as far as joint i can stop before its limits."""
        joint, p = self._joints[i], self.position[i]
        fastest = math.sqrt(2 * joint.acceleration * max(joint.upper - p, 0.0))
        slowest = -math.sqrt(2 * joint.acceleration * max(p - joint.lower, 0.0))
        return min(max(self.relay.output[i], slowest), fastest)
