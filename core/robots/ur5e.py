"""Universal Robots UR5e.

Sources:
    kinematics: Universal Robots, "DH parameters for calculations of kinematics and
        dynamics", UR5e row: d1 0.1625, a2 -0.425, a3 -0.3922, d4 0.1333, d5 0.0997,
        d6 0.0996 m, https://www.universal-robots.com/articles/ur/application-installation/
        dh-parameters-for-calculations-of-kinematics-and-dynamics/
        The base frame is ROS's base_link (REP 103), half a turn from UR's own.
    limits: UR5e user manual 5.8 (+-360 deg, 180 deg/s; the elbow is limited to
        +-180 deg as in UR's own ROS description, it cannot turn further);
        "Max. joint torques" article (150 and 28 Nm).
    acceleration, jerk: not published. 10 rad/s^2 is a quarter of the ceiling of
        PolyScope's joint acceleration setting; the jerk limit lets the acceleration
        change from full braking to full thrust in 20 ms. Guesses on the safe side.
    servo, armature, friction: not published; guesses to be measured by
        ``forearm calibrate``. kp and kv give a near critically damped 4 Hz (large
        joints) and 8 Hz (wrist) response with the arm half stretched.
"""

from __future__ import annotations

import math

from forearm.core.robot import JointSpec, RobotSpec, Vector3

_PI = math.pi


def _joint(
    name: str, xyz: Vector3, rpy: Vector3, home: float, *, large: bool, turns: float
) -> JointSpec:
    return JointSpec(
        name=name,
        xyz=xyz,
        rpy=rpy,
        lower=-turns * 2 * _PI,
        upper=turns * 2 * _PI,
        velocity=_PI,
        acceleration=10.0,
        jerk=1000.0,
        effort=150.0 if large else 28.0,
        home=home,
        kp=2000.0 if large else 500.0,
        kv=200.0 if large else 25.0,
        armature=0.6 if large else 0.1,
        viscous=8.0 if large else 1.5,
        coulomb=4.0 if large else 1.0,
    )


UR5E = RobotSpec(
    name="ur5e",
    title="Universal Robots UR5e",
    joints=(
        _joint(
            "shoulder_pan_joint", (0, 0, 0.1625), (0, 0, _PI), 0.0, large=True, turns=1
        ),
        _joint(
            "shoulder_lift_joint", (0, 0, 0), (_PI / 2, 0, 0), -1.5, large=True, turns=1
        ),
        _joint("elbow_joint", (-0.425, 0, 0), (0, 0, 0), 1.8, large=True, turns=0.5),
        _joint(
            "wrist_1_joint", (-0.3922, 0, 0.1333), (0, 0, 0), -1.9, large=False, turns=1
        ),
        _joint(
            "wrist_2_joint",
            (0, -0.0997, 0),
            (_PI / 2, 0, 0),
            -1.57,
            large=False,
            turns=1,
        ),
        _joint(
            "wrist_3_joint",
            (0, 0.0996, 0),
            (-_PI / 2, 0, 0),
            0.0,
            large=False,
            turns=1,
        ),
    ),
    tool_frame="tool0",
    tool_xyz=(0.0, 0.0, 0.0),
    tool_rpy=(0.0, 0.0, 0.0),
    asset="ur5e.xml",
    payload_limit=5.0,
    sources={
        "kinematics": "Universal Robots, DH parameters article, UR5e",
        "limits": "UR5e user manual 5.8; Max. joint torques article",
        "acceleration": "guess: a quarter of PolyScope's ceiling",
        "servo": "guess, to be measured",
        "inertia": "Universal Robots, DH parameters article, UR5e dynamics",
    },
)
"""The UR5e with a bare flange; ``tool0`` is the flange frame."""
