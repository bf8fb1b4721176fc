"""The friction ladder: which terms a joint's torque has beside the rigid body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forearm.core.log import Floats

from .motion import Motion

TERMS = (
    "armature",
    "coulomb",
    "viscous",
    "viscous_quadratic",
    "load_friction",
    "stribeck",
    "effort_offset",
    "effort_ripple_cos",
    "effort_ripple_sin",
)
"""Every term, named as in :data:`forearm.core.params.KINDS`."""

POSITIVE = frozenset({"armature", "coulomb", "viscous", "load_friction", "stribeck"})
"""Terms that no physical joint has with a minus."""

_RIPPLE = ("effort_ripple_cos", "effort_ripple_sin")

_BASE = ("armature", "effort_offset", "coulomb")

RUNGS: dict[str, tuple[str, ...]] = {
    "coulomb": _BASE,
    "viscous": (*_BASE, "viscous"),
    "quadratic": (*_BASE, "viscous", "viscous_quadratic"),
    "load": (*_BASE, "viscous", "load_friction"),
    "load_quadratic": (*_BASE, "viscous", "load_friction", "viscous_quadratic"),
    "stribeck": (
        *_BASE,
        "viscous",
        "load_friction",
        "viscous_quadratic",
        "stribeck",
    ),
}
"""Rungs from the simplest law to the richest."""

NATIVE = ("coulomb", "viscous", "quadratic")
"""Rungs that plain MuJoCo computes: frictionloss and (polynomial) damping."""

STRIBECK_VELOCITIES = (0.1, 0.3)
"""Velocities over which the Stribeck term may fade [rad/s]."""

SLIPS = (0.0, 0.01, 0.02, 0.03)
"""Velocities below which Coulomb friction may build up, as tanh(v / slip) [rad/s]."""


@dataclass(frozen=True)
class Law:
    """The friction law of one joint: its terms and the two velocities that are given.

    Coulomb, load-dependent and Stribeck friction act along ``tanh(v / slip)``.
    """

    rung: str = "viscous"
    """Name in :data:`RUNGS`."""
    slip: float = 0.0
    """0 is the sign of the velocity [rad/s]."""
    fade: float = STRIBECK_VELOCITIES[0]
    """Stribeck velocity [rad/s]."""
    rate: float = 0.0
    """Rate of the effort's ripple over the joint's position [1/rad]; 0 is none."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Terms that are fitted."""
        return RUNGS[self.rung] + (_RIPPLE if self.rate else ())


def columns(motion: Motion, joint: int, law: Law, load: Floats) -> Floats:
    """Return one column per term, (T, terms).

    Args:
        motion: the log.
        joint: index of the joint.
        law: its friction law.
        load: transmitted torque in effort units, (T,).
    """
    speed = motion.qvel[:, joint]
    way = np.tanh(speed / law.slip) if law.slip else np.sign(speed)
    basis = {
        "armature": motion.qacc[:, joint],
        "coulomb": way,
        "viscous": speed,
        "viscous_quadratic": speed * np.abs(speed),
        "load_friction": way * np.abs(load),
        "stribeck": way * np.exp(-((speed / law.fade) ** 2)),
        "effort_offset": np.ones_like(speed),
        "effort_ripple_cos": np.cos(law.rate * motion.qpos[:, joint]),
        "effort_ripple_sin": np.sin(law.rate * motion.qpos[:, joint]),
    }
    return np.stack([basis[name] for name in law.terms], axis=-1)
