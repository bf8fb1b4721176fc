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

from forearm.core.robot import RobotSpec

from .universal import Drive, ur_joints

LARGE = Drive(
    effort=150.0,
    velocity=math.pi,
    kp=2000.0,
    kv=200.0,
    armature=0.6,
    viscous=8.0,
    coulomb=4.0,
)
"""Base, shoulder and elbow."""

SMALL = Drive(
    effort=28.0,
    velocity=math.pi,
    kp=500.0,
    kv=25.0,
    armature=0.1,
    viscous=1.5,
    coulomb=1.0,
)
"""The three wrist joints."""

UR5E = RobotSpec(
    name="ur5e",
    title="Universal Robots UR5e",
    joints=ur_joints(
        d=(0.1625, 0.1333, 0.0997, 0.0996),
        a=(-0.425, -0.3922),
        drives=[LARGE] * 3 + [SMALL] * 3,
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
