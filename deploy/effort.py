"""Effort law: from a safe position command to joint efforts, in plain Python.

A PD law on each joint with the servo's own gains where the loop's delay permits them,
besides the weight of the links where nobody else carries it (Siciliano et al.,
Robotics, 2009, eq. 8.51). What comes out is finite, within the effort limits and
limited in its rate, whatever goes in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PERIOD = 0.004
"""Longest time between two joint states that the gains are made for [s]."""

DAMPING = 0.25
"""Largest ``kv PERIOD / armature``. The links only add to the rotors' inertia, so the
crossover is near 0.25 / PERIOD or below in every pose; two periods of delay there cost
half a radian of phase and leave more than 40 degrees."""

RISE = 3 * PERIOD
"""Time from zero to the effort limit [s]. A sine of full effort at the crossover passes
within PERIOD / DAMPING, so that the limit never takes phase from the loop: slower, it
made a pushed Panda swing up. 12 Nm in it are libfranka's limit of 1000 Nm/s."""

LONGEST = 2 * PERIOD
"""Longest time that one change of the effort may make up for [s]."""

Weight = Callable[[Sequence[float]], Sequence[float]]
"""From joint positions [rad] to the efforts that carry the links [Nm]."""


@dataclass(frozen=True, kw_only=True)
class EffortJoint:
    """What the law and its reference need to know about a joint."""

    lower: float
    """Lower position limit [rad]."""
    upper: float
    """Upper position limit [rad]."""
    velocity: float
    """Velocity limit [rad/s]."""
    acceleration: float
    """Acceleration limit [rad/s2]."""
    effort: float
    """Effort limit [Nm]."""
    kp: float
    """Position gain of the law [Nm/rad]."""
    kv: float
    """Velocity gain of the law [Nm s/rad]."""


def soften(kp: float, kv: float, armature: float) -> tuple[float, float]:
    """Return the servo's gains, lowered to what a loop over joint states permits.

    Args:
        kp: position gain of the servo [Nm/rad].
        kv: its velocity gain [Nm s/rad].
        armature: inertia of the rotor at the joint [kg m^2].
    """
    top = DAMPING * armature / PERIOD
    lowered = min(kv, top)
    # A spring beyond kv^2 / 2a would take the phase that the damping gives.
    return min(kp * lowered / kv, top**2 / (2 * armature)), lowered


class EffortLaw:
    """The law, without clock or transport."""

    def __init__(self, joints: Sequence[EffortJoint], weight: Weight) -> None:
        """Start with no effort.

        Args:
            joints: of the arm, in order.
            weight: what the law has to carry; zeros where the arm's controller does.
        """
        self._joints, self._weight = list(joints), weight
        self._sent = -math.inf
        self.output = [0.0] * len(self._joints)
        """Last efforts [Nm]."""
        self.settled = False
        """Whether the last effort is the one asked for."""

    def drive(
        self,
        wanted: tuple[Sequence[float], Sequence[float]],
        measured: tuple[Sequence[float], Sequence[float]],
        now: float,
    ) -> list[float]:
        """Return the efforts that pull the arm to a position and velocity [Nm].

        Args:
            wanted: position [rad] and velocity [rad/s] of the reference.
            measured: position [rad] and velocity [rad/s] of the arm.
            now: time [s].
        """
        (p, v), (q, dq) = wanted, measured
        carried = self._weight(q)
        asked = [
            w + joint.kp * (p[i] - q[i]) + joint.kv * (v[i] - dq[i])
            for i, (joint, w) in enumerate(zip(self._joints, carried, strict=True))
        ]
        return self._towards(asked, now)

    def begin(self, position: Sequence[float]) -> None:
        """Start from the weight at a measured pose [rad], not from nothing."""
        if self._sent == -math.inf:
            self._sent = math.inf  # the first change has to wait for time to pass
            for i, weight in enumerate(self._weight(position)):
                top = self._joints[i].effort
                self.output[i] = min(max(weight, -top), top)

    def release(self, position: Sequence[float], now: float) -> list[float]:
        """Return the next efforts on the way to nothing but the weight [Nm].

        For an arm that cannot be seen or is given up. Its friction damps it; a spring
        or a damper on an old measurement could push. The weight at the last measured
        pose stays, as without it an arm that nobody else carries would fall. Where no
        pose was ever measured (empty) there is none to carry.
        """
        carried = self._weight(position) if position else [0.0] * len(self._joints)
        return self._towards(carried, now)

    def _towards(self, asked: Sequence[float], now: float) -> list[float]:
        elapsed = min(max(now - self._sent, 0.0), LONGEST)
        self._sent, self.settled = now, True
        for i, joint in enumerate(self._joints):
            goal, step = asked[i], joint.effort / RISE * elapsed
            goal = min(max(goal, -joint.effort), joint.effort) if goal == goal else 0.0
            change = goal - self.output[i]
            if abs(change) > step:
                self.settled = False
                goal = self.output[i] + math.copysign(step, change)
            self.output[i] = min(max(goal, -joint.effort), joint.effort)
        return self.output
