"""What gears do and MuJoCo lacks: load-dependent and Stribeck friction, backlash.

The friction law of one joint, on its velocity v and the torque tau it transmits::

    (coulomb + load_friction |tau| + stribeck exp(-(v / stribeck_velocity)^2)) sgn(v)
        + viscous v

(Stribeck, 1902; exponent 2 after Bo and Pavelescu, Wear 82, 1982; load term as in
Hamon, Gautier and Garrec, IROS 2010). MuJoCo holds the bracket as the bound of a
friction constraint (``dof_frictionloss``), which sticks without chattering; here the
bound is renewed every few physics steps, for all simulations at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .kernels import compiled, friction_bound

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]

RENEWAL = 0.004
"""Time between two renewals of the friction bound [s]; an arm at its acceleration
limit (10 rad/s^2) changes its velocity by 0.04 rad/s in it, less than a Stribeck
velocity."""

EARLY = 0.3
"""Where many arms learn, the bound is renewed twice a control period: when a command
arrives and this share of the period later. A renewal costs about a fifth of a physics
step. The torque jumps with each command and decays, so where the second one lies
matters: here the UR5e follows a swing with load-dependent friction as closely as with
:data:`RENEWAL` (0.07 mrad from a renewal in every step, of an effect of 0.85 mrad; in
the middle of the period 0.22 mrad)."""

NEEDS = ("coulomb", "stribeck", "stribeck_velocity", "load_friction")
"""Parameters of the friction bound."""


class Friction:
    """Friction bound of every joint of every simulation, (nsim, n) arrays."""

    def __init__(self, values: Mapping[str, Floats]) -> None:
        """Start from parameter values (nsim, n) each; they are read, not copied."""
        self._values = values
        self._torque = np.zeros_like(values["coulomb"])
        self.active = False
        """Some simulation has load-dependent or Stribeck friction."""
        self.changed()

    def changed(self) -> None:
        """Take note that parameter values have changed."""
        v = self._values
        self.active = bool(v["load_friction"].any() or v["stribeck"].any())

    def reset(self, ids: Ids) -> None:
        """Forget the torque that ``ids`` transmitted in their last episode."""
        self._torque[ids] = 0.0

    def transmitted(self, torque: Floats) -> None:
        """Keep the torques [Nm] (nsim, n) that the joints transmit now."""
        np.abs(torque, out=self._torque)

    def write_bound(self, joint_vel: Floats, out: Floats) -> None:
        """Write the friction bound [Nm] at velocities [rad/s] to ``out``, (nsim, n)."""
        chosen = (self._values[name] for name in NEEDS)
        compiled(friction_bound)(joint_vel, self._torque, *chosen, out)


def renewals(decimation: int, timestep: float, *, coarse: bool) -> list[int]:
    """Return after how many physics steps each the bound of a period is renewed."""
    if coarse and decimation > 1:
        first = max(1, round(EARLY * decimation))
        return [first, decimation - first]
    each = max(1, min(decimation, round(RENEWAL / timestep)))
    whole, rest = divmod(decimation, each)
    return [each] * whole + [rest] * (rest > 0)


class Backlash:
    """The gear's play between command and joint, (nsim, n).

    The play operator (Krasnosel'skii and Pokrovskii, 1989): the output only moves once
    the input has crossed the gap. It does not depend on rate, so it may act on the
    command before its delay instead of behind it.
    """

    def __init__(self, values: Mapping[str, Floats]) -> None:
        """Start from parameter values (nsim, n) each; they are read, not copied."""
        self._gap = values["backlash"]
        self._driven = np.zeros_like(self._gap)
        self.active = False
        """Some simulation has play."""
        self.changed()

    def changed(self) -> None:
        """Take note that parameter values have changed."""
        self.active = bool(self._gap.any())

    def reset(self, ids: Ids, joint_pos: Floats) -> None:
        """Put the gears of ``ids`` in the middle of their play at ``joint_pos``."""
        self._driven[ids] = joint_pos

    def __call__(self, command: Floats) -> Floats:
        """Return where the gears drive the joints [rad] for ``command`` (nsim, n)."""
        half = 0.5 * self._gap
        np.maximum(self._driven, command - half, out=self._driven)
        np.minimum(self._driven, command + half, out=self._driven)
        return self._driven
