"""Guard: relays velocity commands and stops the arm by itself when they stay away.

A velocity controller keeps moving on its last command for ever. The guard stands
between the policy node and such a controller, in a process of its own whose code needs
neither numpy nor onnxruntime (rclpy's messages load numpy): whatever happens to the
node, the guard ramps the last velocity down to zero once nothing has come for
``timeout``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

GUARDED = "guarded_commands"
"""Private topic of the policy node that the guard listens to."""


class Guard:
    """The relay, without clock or transport."""

    def __init__(
        self,
        velocity: Sequence[float],
        acceleration: Sequence[float],
        timeout: float,
        period: float,
    ) -> None:
        """Start at rest.

        Args:
            velocity: limit of each joint [rad/s].
            acceleration: limit of each joint [rad/s2].
            timeout: longest time between two commands [s].
            period: longest time that one output may make up for [s].
        """
        self._v_max, self._a_max = list(velocity), list(acceleration)
        self._timeout, self._period = timeout, period
        self._heard = -math.inf
        self._sent = -math.inf
        self.output = [0.0] * len(self._v_max)
        """Last velocity sent [rad/s]."""
        self.refused = 0
        """Commands of a wrong size or with a value that is not finite."""
        self.timeouts = 0
        """How often the arm was stopped because nothing came."""
        self.stopping = False
        """Whether the guard brakes or has braked."""

    def command(self, values: Sequence[float], now: float) -> list[float] | None:
        """Take a command and return what goes to the controller, if it is one.

        The output follows within the velocity and acceleration limits, so also the
        first command after a stop starts smoothly.
        """
        if len(values) != len(self._v_max) or not all(map(math.isfinite, values)):
            self.refused += 1
            return None
        self._heard, self.stopping = now, False
        return self._towards(values, now)

    def tick(self, now: float) -> list[float] | None:
        """Return the next velocity of the stop [rad/s], or none while commands come."""
        if now - self._heard <= self._timeout:
            return None
        if not self.stopping and any(self.output):
            self.timeouts += 1
        self.stopping = True
        return self._towards([0.0] * len(self._v_max), now)

    @property
    def at_rest(self) -> bool:
        """Whether the last velocity sent was zero."""
        return not any(self.output)

    def _towards(self, wanted: Sequence[float], now: float) -> list[float]:
        elapsed = min(now - self._sent, self._period)
        self._sent = now
        for i, value in enumerate(wanted):
            step = self._a_max[i] * elapsed
            goal = min(max(value, -self._v_max[i]), self._v_max[i])
            change = goal - self.output[i]
            # Exact at the goal, so that a stop ends at zero and not beside it.
            self.output[i] = (
                goal
                if abs(change) <= step
                else self.output[i] + math.copysign(step, change)
            )
        return self.output
