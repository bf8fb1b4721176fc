"""What gears do and MuJoCo lacks: load-dependent and Stribeck friction, backlash.

The friction law of one joint, on its velocity v and the torque tau it transmits::

    (coulomb + load_friction |tau| + stribeck exp(-(v / stribeck_velocity)^2)) sgn(v)
        + viscous v

(Stribeck, 1902; exponent 2 after Bo and Pavelescu, Wear 82, 1982; load term as in
Hamon, Gautier and Garrec, IROS 2010). MuJoCo holds the bracket as the bound of a
friction constraint (``dof_frictionloss``), which sticks without chattering; here the
bound is renewed every few physics steps, for all simulations at once, by the torque of
those before.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .kernels import compiled, friction_bound, mean_size, play_operator

Floats = NDArray[np.float64]
Ids = NDArray[np.intp]

RENEWAL = 0.004
"""Time between two renewals of the friction bound [s]; an arm at its acceleration
limit (10 rad/s^2) changes its velocity by 0.04 rad/s in it, less than a Stribeck
velocity.

Where many arms learn, the bound is renewed once a control period, for each renewal
costs about a fifth of a physics step. Torque jumps with each command and decays, so its
mean counts: the UR5e follows a swing with load-dependent friction within 0.11 mrad of
a renewal in every step, of an effect of 0.79 mrad (by the torque at the period's end
alone it would be 0.32 mrad)."""

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

    def transmitted(self, torque: Floats, dofs: Ids) -> None:
        """Keep how much torque the joints have transmitted on average.

        Args:
            torque: after each of the latest physics steps [Nm], (nsim, steps, nv).
            dofs: where the joints are in it, (n,).
        """
        compiled(mean_size)(torque, dofs, self._torque)

    def write_bound(self, qvel: Floats, dofs: Ids, frictionloss: Floats) -> None:
        """Write the friction bounds [Nm] to ``frictionloss``, (nsim, nv).

        Args:
            qvel: velocities [rad/s], (nsim, nv).
            dofs: where the joints are among them, (n,).
            frictionloss: the bounds.
        """
        chosen = (self._values[name] for name in NEEDS)
        compiled(friction_bound)(qvel, dofs, self._torque, *chosen, frictionloss)


def renewals(decimation: int, timestep: float, *, coarse: bool) -> list[int]:
    """Return after how many physics steps each the bound of a period is renewed."""
    longest = decimation if coarse else max(1, round(RENEWAL / timestep))
    whole, rest = divmod(decimation, min(longest, decimation))
    return [min(longest, decimation)] * whole + [rest] * (rest > 0)


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

    def reset(self, ids: Ids, joint_pos: Floats) -> None:
        """Put the gears of ``ids`` in the middle of their play at ``joint_pos``."""
        self._driven[ids] = joint_pos

    def drive(self, command: NDArray[np.floating], ctrl: Floats, at: Ids) -> None:
        """Write where the gears drive the joints [rad] to ``ctrl``, (nsim, nu).

        Args:
            command: joint positions [rad], (nsim, n).
            ctrl: what the servos follow.
            at: where the joints' servos are among them, (n,).
        """
        compiled(play_operator)(command, self._gap, self._driven, ctrl, at)
