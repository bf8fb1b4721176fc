"""Franka Emika Panda with its hand.

Sources:
    kinematics: Franka Control Interface documentation, "Robot and interface
        specifications", Denavit-Hartenberg parameters (Craig); the same numbers in
        frankaemika/franka_description, robots/fer/kinematics.yaml. Tool: the hand's
        TCP, 0.1034 m from the flange, turned by -45 degrees.
    limits: the same documentation, "Limits in the joint space" of the Panda (position,
        velocity, acceleration, jerk, torque).
    servo: kp from libfranka's ``setDefaultBehavior`` (joint impedance 3000, 3000, 3000,
        2500, 2500, 2000, 2000 Nm/rad); kv gives near critical damping with the arm half
        stretched, a guess.
    friction: Coulomb from Gaz et al., "Dynamic Identification of the Franka Emika Panda
        Robot With Retrieval of Feasible Parameters Using Penalty-Based Optimization",
        IEEE RA-L 4(4), 2019: half the height phi_1 of its sigmoid; viscous from
        frankaemika/franka_description, robots/fer/dynamics.yaml (``damping``).
    inertia: frankaemika/franka_description, robots/fer/inertials.yaml; link 4 made
        physical, see the MJCF.
    armature: of the FR3, its successor of the same drives' size: the reflected inertias
        that Franka gave Drake, manipulation/models/franka_description/README.md.
    hand: Franka Hand product manual (2 x 40 mm travel, 50 mm/s per finger, 70 N
        continuous grasping force); servo, acceleration and jerk are guesses.
"""

from __future__ import annotations

import math

from forearm.core.robot import GripperSpec, JointSpec, RobotSpec, Vector3

_HALF = math.pi / 2
_ORIGINS: tuple[tuple[Vector3, Vector3], ...] = (
    ((0.0, 0.0, 0.333), (0.0, 0.0, 0.0)),
    ((0.0, 0.0, 0.0), (-_HALF, 0.0, 0.0)),
    ((0.0, -0.316, 0.0), (_HALF, 0.0, 0.0)),
    ((0.0825, 0.0, 0.0), (_HALF, 0.0, 0.0)),
    ((-0.0825, 0.384, 0.0), (-_HALF, 0.0, 0.0)),
    ((0.0, 0.0, 0.0), (_HALF, 0.0, 0.0)),
    ((0.088, 0.0, 0.0), (_HALF, 0.0, 0.0)),
)
_LIMITS = (
    # lower, upper [rad], velocity, acceleration, jerk, effort [Nm]
    (-2.8973, 2.8973, 2.175, 15.0, 7500.0, 87.0),
    (-1.7628, 1.7628, 2.175, 7.5, 3750.0, 87.0),
    (-2.8973, 2.8973, 2.175, 10.0, 5000.0, 87.0),
    (-3.0718, -0.0698, 2.175, 12.5, 6250.0, 87.0),
    (-2.8973, 2.8973, 2.61, 15.0, 7500.0, 12.0),
    (-0.0175, 3.7525, 2.61, 20.0, 10000.0, 12.0),
    (-2.8973, 2.8973, 2.61, 20.0, 10000.0, 12.0),
)
_SERVO = (
    # home [rad], kp [Nm/rad], kv [Nm s/rad], Coulomb friction [Nm], armature [kg m^2]
    (0.0, 3000.0, 140.0, 0.273, 0.605721456),
    (-math.pi / 4, 3000.0, 160.0, 0.436, 0.605721456),
    (0.0, 3000.0, 110.0, 0.320, 0.462474144),
    (-3 * math.pi / 4, 2500.0, 100.0, 0.640, 0.462474144),
    (0.0, 2500.0, 48.0, 0.420, 0.205544064),
    (math.pi / 2, 2000.0, 44.0, 0.152, 0.205544064),
    (math.pi / 4, 2000.0, 40.0, 0.282, 0.205544064),
)


def _joint(index: int) -> JointSpec:
    (xyz, rpy), limits, servo = _ORIGINS[index], _LIMITS[index], _SERVO[index]
    lower, upper, velocity, acceleration, jerk, effort = limits
    home, kp, kv, coulomb, armature = servo
    return JointSpec(
        name=f"panda_joint{index + 1}",
        xyz=xyz,
        rpy=rpy,
        lower=lower,
        upper=upper,
        velocity=velocity,
        acceleration=acceleration,
        jerk=jerk,
        effort=effort,
        home=home,
        kp=kp,
        kv=kv,
        armature=armature,
        viscous=0.003,
        coulomb=coulomb,
    )


HAND = GripperSpec(
    joint=JointSpec(
        name="panda_finger_joint1",
        xyz=(0.0, 0.0, 0.0584),
        rpy=(0.0, 0.0, 0.0),
        axis=(0.0, 1.0, 0.0),
        lower=0.0,
        upper=0.04,
        velocity=0.05,
        acceleration=2.0,
        jerk=200.0,
        effort=140.0,
        home=0.04,
        kp=5000.0,
        kv=100.0,
        armature=0.5,
        viscous=5.0,
        coulomb=1.0,
        prismatic=True,
    ),
    open=0.04,
    closed=0.0,
    mimic=("panda_finger_joint2",),
)
"""The Franka Hand: one drive moves both fingers, so 140 N are 70 N each."""

PANDA = RobotSpec(
    name="panda",
    title="Franka Emika Panda with hand",
    joints=tuple(_joint(i) for i in range(7)),
    tool_frame="panda_hand_tcp",
    tool_xyz=(0.0, 0.0, 0.107 + 0.1034),
    tool_rpy=(0.0, 0.0, -math.pi / 4),
    asset="panda.xml",
    payload_limit=3.0,
    gripper=HAND,
    sources={
        "kinematics": "Franka Control Interface documentation, DH parameters",
        "limits": "Franka Control Interface documentation, limits of the Panda",
        "acceleration": "Franka Control Interface documentation, limits of the Panda",
        "servo": "kp: libfranka's default joint impedance; kv: guess",
        "friction": "Gaz et al., IEEE RA-L 4(4), 2019; franka_description, fer",
        "inertia": "frankaemika/franka_description, robots/fer/inertials.yaml",
        "armature": "the FR3's, as Franka gave them to Drake",
        "gripper": "Franka Hand product manual; servo: guess",
    },
)
"""The Panda; its tool is the point between the fingertips."""
