"""Universal Robots UR10e.

Sources:
    kinematics: Universal Robots, "DH parameters for calculations of kinematics and
        dynamics", UR10e row: d1 0.1807, a2 -0.6127, a3 -0.57155, d4 0.17415,
        d5 0.11985, d6 0.11655 m.
        The base frame is ROS's base_link (REP 103), half a turn from UR's own.
    limits: UR10e user manual 5.8 (+-360 deg; 120 deg/s base and shoulder, 180 deg/s
        else; the elbow is limited to +-180 deg as in UR's own ROS description);
        "Max. joint torques" article, 2020-06-09 (330, 150 and 56 Nm). Both are also
        in UniversalRobots/Universal_Robots_ROS2_Description,
        config/ur10e/joint_limits.yaml. Payload 12.5 kg: UR10e user manual 10.6,
        "Maximum Payload" (10 kg on the label of older arms).
    acceleration, jerk: not published ("acceleration limits are not publicly
        available", same file); the UR5e's safe guesses.
    servo, armature, friction: not published; guesses to be measured by
        ``forearm calibrate``.
"""

from __future__ import annotations

import math

from forearm.core.robot import RobotSpec

from .universal import Drive, ur_joints

SIZE_4 = Drive(
    effort=330.0,
    velocity=math.pi * 2 / 3,
    kp=6000.0,
    kv=600.0,
    armature=1.5,
    viscous=15.0,
    coulomb=10.0,
)
"""Base and shoulder."""

SIZE_3 = Drive(
    effort=150.0,
    velocity=math.pi,
    kp=4000.0,
    kv=300.0,
    armature=0.8,
    viscous=10.0,
    coulomb=6.0,
)
"""Elbow."""

SIZE_2 = Drive(
    effort=56.0,
    velocity=math.pi,
    kp=800.0,
    kv=40.0,
    armature=0.2,
    viscous=3.0,
    coulomb=2.0,
)
"""The three wrist joints."""

UR10E = RobotSpec(
    name="ur10e",
    title="Universal Robots UR10e",
    joints=ur_joints(
        d=(0.1807, 0.17415, 0.11985, 0.11655),
        a=(-0.6127, -0.57155),
        drives=[SIZE_4, SIZE_4, SIZE_3, SIZE_2, SIZE_2, SIZE_2],
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
