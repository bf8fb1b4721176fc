"""JointLimiter: no command of a joint outside position, v, a and jerk limits.

The state of a joint is its last command p and the finite differences v, a of the
commands sent. A candidate command is accepted only if, after it, the stop manoeuvre
still ends at rest inside the position and velocity limits. The stop manoeuvre is
itself made of such candidates, so from an accepted state a safe command always exists:
whatever comes in, braking is possible. Plain floats: faster than numpy for one arm.
"""

from __future__ import annotations

import math

from forearm.core.contract import JointLimits
from forearm.core.errors import LimitError

SHAVE = 1.0 - 1e-6
"""Rounding of third differences stays inside the contract's limits."""

POSITION_SHAVE = 1e-9
"""Rounding margin at the position limits [rad]."""

BISECTIONS = 5
"""Halvings between the safe stop and an unsafe wish."""

SLACK, SLACK_SHARE = 1e-3, 1e-2
"""A measured position may lie this far outside [rad or m], and this share of the range,
at activation: a gripper rests against its stop, and encoders have noise."""


class JointLimiter:
    """One joint: its last command, velocity and acceleration, and what may follow."""

    def __init__(self, limits: JointLimits, dt: float) -> None:
        """Bind ``limits`` at a control period ``dt`` [s]."""
        self.lower = limits.lower + POSITION_SHAVE
        self.upper = limits.upper - POSITION_SHAVE
        self.v_max = limits.velocity * SHAVE
        self.a_max = limits.acceleration * SHAVE
        self.da_max = limits.jerk * SHAVE * dt
        self.dt = dt
        ticks = self.v_max / (self.a_max * dt) + 2 * self.a_max / self.da_max
        self._longest = 4 * math.ceil(ticks) + 16
        self.p = self.v = self.a = 0.0
        # Far from the limits no simulation is needed; 1.5 covers the corner cases.
        self._reach = 1.5 * (self.v_max**2 / (2 * self.a_max) + self.v_max * ticks * dt)

    def reset(self, position: float) -> None:
        """Start at rest at ``position`` [rad], or at the limit just short of it.

        Raises:
            LimitError: the position is not finite or outside the limits.
        """
        slack = min(SLACK, SLACK_SHARE * (self.upper - self.lower))
        if not self.lower - slack <= position <= self.upper + slack:
            raise LimitError(
                f"measured position {position:.4f} rad is outside "
                f"[{self.lower:.4f}, {self.upper:.4f}]"
            )
        self.p, self.v, self.a = min(max(position, self.lower), self.upper), 0.0, 0.0

    def step(self, wish: float) -> bool:
        """Move towards ``wish`` [rad]; NaN means stop. Returns whether it was met."""
        stop = self._stop_acceleration(self.v, self.a)
        if not math.isfinite(wish):
            self._accept(stop)
            return False
        exact = ((wish - self.p) / self.dt - self.v) / self.dt
        if self._allowed(exact) and self._safe(exact):
            self._accept(exact)
            return True
        self._accept(self._nearest(self._approach(wish), stop))
        return False

    def rehearse(self) -> None:
        """Compute a step without taking it: the code is in the caches for the next."""
        self._nearest(self._approach(self.p), self._stop_acceleration(self.v, self.a))

    def stop_path(self) -> list[tuple[float, float]]:
        """Return (position, velocity) per period of the stop manoeuvre from here."""
        p, v, a = self.p, self.v, self.a
        path = []
        for _ in range(self._longest):
            if v == 0.0 and a == 0.0:
                break
            a = self._stop_acceleration(v, a)
            v = _snap(v + a * self.dt, self.da_max * self.dt)
            p += v * self.dt
            path.append((p, v))
        return path

    def travel(self) -> float:
        """Return a bound of the way that is left until rest [rad].

        The speed never exceeds ``top``; stopping takes ``top / a_max`` at a falling
        speed, and at most three ramps of the acceleration around it.
        """
        top = abs(self.v) + self._ramp_out(abs(self.a))
        ramp = self.dt * self.a_max / self.da_max
        return top * (top / (2 * self.a_max) + 3 * ramp + 3 * self.dt)

    def _accept(self, a: float) -> None:
        self.a = a
        self.v = _snap(self.v + a * self.dt, self.da_max * self.dt)
        self.p += self.v * self.dt

    def _allowed(self, a: float) -> bool:
        return (
            abs(a) <= self.a_max
            and abs(a - self.a) <= self.da_max
            and abs(self.v + a * self.dt) <= self.v_max
        )

    def _approach(self, wish: float) -> float:
        """Acceleration towards a wish that one period cannot reach, no overshoot."""
        distance = wish - self.p
        room = abs(distance)
        brake, dt = 0.8 * self.a_max, self.dt
        speed = min(
            brake * (math.sqrt(dt * dt + 2 * room / brake) - dt), self.v_max, room / dt
        )
        return (math.copysign(speed, distance) - self.v) / dt

    def _nearest(self, a: float, stop: float) -> float:
        """Return the safe acceleration nearest ``a``, searched from ``stop``."""
        low = max(-self.a_max, self.a - self.da_max, (-self.v_max - self.v) / self.dt)
        high = min(self.a_max, self.a + self.da_max, (self.v_max - self.v) / self.dt)
        a = min(max(a, low), high)
        if not self._allowed(a):
            return stop
        if self._safe(a):
            return a
        good, bad = stop, a
        for _ in range(BISECTIONS):
            middle = 0.5 * (good + bad)
            if self._allowed(middle) and self._safe(middle):
                good = middle
            else:
                bad = middle
        return good

    def _safe(self, a: float) -> bool:
        """Whether the stop manoeuvre after acceleration ``a`` keeps every limit."""
        dt = self.dt
        v = _snap(self.v + a * dt, self.da_max * dt)
        p = self.p + v * dt
        far = self.lower + self._reach < p < self.upper - self._reach
        if far and abs(v) + self._ramp_out(abs(a)) <= self.v_max:
            return True
        for _ in range(self._longest):
            if not (self.lower <= p <= self.upper and abs(v) <= self.v_max):
                return False
            if v == 0.0 and a == 0.0:
                return True
            a = self._stop_acceleration(v, a)
            v = _snap(v + a * dt, self.da_max * dt)
            p += v * dt
        return False

    def _ramp_out(self, a: float) -> float:
        """Velocity change while an acceleration ``a`` >= 0 is ramped to zero."""
        n = math.floor(a / self.da_max)
        return (n * a - self.da_max * n * (n + 1) / 2) * self.dt

    def _stop_acceleration(self, v: float, a: float) -> float:
        """Return the next acceleration of the stop manoeuvre.

        Braking by m and then ramping m out by the jerk limit, one step per period,
        changes the velocity by ((n+1) m - D n (n+1)/2) dt with D = jerk dt and n D < m
        <= (n+1) D. Solved for the m that ends exactly at rest.
        """
        step = self.da_max
        speed = abs(v) / self.dt
        # n (n+1)/2 < speed/D, largest such n.
        n = max(0, math.ceil((math.sqrt(1 + 8 * speed / step) - 1) / 2) - 1)
        m = min((speed + step * n * (n + 1) / 2) / (n + 1), self.a_max)
        return min(max(-math.copysign(m, v), a - step), a + step)


def _snap(v: float, scale: float) -> float:
    """Return zero for a velocity that is only rounding."""
    return 0.0 if abs(v) < 1e-12 * scale else v
