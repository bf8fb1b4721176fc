"""Universal Robots UR10e.

Sources:
    kinematics: Universal Robots, "DH parameters for calculations of kinematics and
        dynamics", UR10e row: d1 0.1807, a2 -0.6127, a3 -0.57155, d4 0.17415,
        d5 0.11985, d6 0.11655 m.
        The base frame is ROS's base_link (REP 103), half a turn from UR's own.
    limits: UR10e user manual (+-360 deg; 120 deg/s base and shoulder, 180 deg/s
        else; the elbow is limited to +-180 deg as in UR's own ROS description);
        "Max. joint torques" article (330, 150 and 56 Nm).
    acceleration, jerk: not published; the UR5e's safe guesses.
    servo, armature, friction: not published; guesses to be measured by
        ``forearm calibrate``.
"""

from __future__ import annotations

import math

from forearm.core.robot import JointSpec, RobotSpec, Vector3

_PI = math.pi
_SIZES = {
    # effort [Nm], velocity [rad/s], kp, kv, armature, viscous, coulomb
    4: (330.0, _PI * 2 / 3, 6000.0, 600.0, 1.5, 15.0, 10.0),
    3: (150.0, _PI, 4000.0, 300.0, 0.8, 10.0, 6.0),
    2: (56.0, _PI, 800.0, 40.0, 0.2, 3.0, 2.0),
}
"""Numbers of each drive size; the last five are guesses."""


def _joint(
    name: str, xyz: Vector3, rpy: Vector3, home: float, size: int, turns: float = 1
) -> JointSpec:
    effort, velocity, kp, kv, armature, viscous, coulomb = _SIZES[size]
    return JointSpec(
        name=name,
        xyz=xyz,
        rpy=rpy,
        lower=-turns * 2 * _PI,
        upper=turns * 2 * _PI,
        velocity=velocity,
        acceleration=10.0,
        jerk=1000.0,
        effort=effort,
        home=home,
        kp=kp,
        kv=kv,
        armature=armature,
        viscous=viscous,
        coulomb=coulomb,
    )


UR10E = RobotSpec(
    name="ur10e",
    title="Universal Robots UR10e",
    joints=(
        _joint("shoulder_pan_joint", (0, 0, 0.1807), (0, 0, _PI), 0.0, 4),
        _joint("shoulder_lift_joint", (0, 0, 0), (_PI / 2, 0, 0), -1.5, 4),
        _joint("elbow_joint", (-0.6127, 0, 0), (0, 0, 0), 1.8, 3, 0.5),
        _joint("wrist_1_joint", (-0.57155, 0, 0.17415), (0, 0, 0), -1.9, 2),
        _joint("wrist_2_joint", (0, -0.11985, 0), (_PI / 2, 0, 0), -1.57, 2),
        _joint("wrist_3_joint", (0, 0.11655, 0), (-_PI / 2, 0, 0), 0.0, 2),
    ),
    tool_frame="tool0",
    tool_xyz=(0.0, 0.0, 0.0),
    tool_rpy=(0.0, 0.0, 0.0),
    asset="ur10e.xml",
    payload_limit=12.5,
    sources={
        "kinematics": "Universal Robots, DH parameters article, UR10e",
        "limits": "UR10e user manual; Max. joint torques article",
        "acceleration": "guess: as for the UR5e",
        "servo": "guess, to be measured",
        "inertia": "Universal Robots, DH parameters article, UR10e dynamics",
    },
)
"""The UR10e with a bare flange; ``tool0`` is the flange frame."""
