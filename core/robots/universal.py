"""What Universal Robots' arms have in common: one chain, four drive sizes.

The base frame is ROS's base_link (REP 103), half a turn from the maker's own; link
frames follow the maker's ROS description, tool0 is the flange.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from forearm.core.robot import JointSpec

_PI = math.pi
JOINTS = (
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
)
"""Joint names in the maker's ROS driver."""

HOME = (0.0, -1.5, 1.8, -1.9, -1.57, 0.0)
"""Elbow up, tool pointing down in front of the base [rad]."""


@dataclass(frozen=True, kw_only=True)
class Drive:
    """Numbers of one drive; what follows ``velocity`` is guessed, to be measured."""

    effort: float
    """Torque limit [Nm]."""
    velocity: float
    """Velocity limit [rad/s]."""
    kp: float
    """Servo position gain [Nm/rad]."""
    kv: float
    """Servo velocity gain [Nm s/rad]."""
    armature: float
    """Reflected rotor inertia [kg m^2]."""
    viscous: float
    """Viscous friction [Nm s/rad]."""
    coulomb: float
    """Coulomb friction [Nm]."""
    acceleration: float = 10.0
    """Acceleration limit [rad/s^2]."""
    jerk: float = 1000.0
    """Jerk limit [rad/s^3]."""


def ur_joints(
    d: tuple[float, float, float, float], a: tuple[float, float], drives: list[Drive]
) -> tuple[JointSpec, ...]:
    """Return the six joints of an arm from its DH lengths.

    Args:
        d: d1, d4, d5, d6 of the maker's table [m].
        a: a2, a3 of the maker's table, negative [m].
        drives: one per joint.
    """
    origins = (
        ((0.0, 0.0, d[0]), (0.0, 0.0, _PI)),
        ((0.0, 0.0, 0.0), (_PI / 2, 0.0, 0.0)),
        ((a[0], 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((a[1], 0.0, d[1]), (0.0, 0.0, 0.0)),
        ((0.0, -d[2], 0.0), (_PI / 2, 0.0, 0.0)),
        ((0.0, d[3], 0.0), (-_PI / 2, 0.0, 0.0)),
    )
    turns = (2, 2, 1, 2, 2, 2)  # half turns either way; the elbow meets the upper arm
    return tuple(
        JointSpec(
            name=name,
            xyz=xyz,
            rpy=rpy,
            lower=-half * _PI,
            upper=half * _PI,
            home=home,
            **vars(drive),
        )
        for name, (xyz, rpy), half, home, drive in zip(
            JOINTS, origins, turns, HOME, drives, strict=True
        )
    )
