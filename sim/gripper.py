"""A parallel gripper for arms that come without one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from forearm.core.kinematics import rotation_from_rpy
from forearm.core.robot import GripperSpec, JointSpec, RobotSpec

from .mount import add_at_site

LENGTH = 0.15
"""Flange to the point between the fingertips [m]."""

JOINT, FOLLOWER = "gripper_finger_joint", "gripper_follower_joint"

PARALLEL = GripperSpec(
    joint=JointSpec(
        name=JOINT,
        xyz=(0.0, 0.0, 0.11),
        rpy=(0.0, 0.0, 0.0),
        axis=(0.0, 1.0, 0.0),
        lower=0.0,
        upper=0.035,
        velocity=0.075,
        acceleration=2.0,
        jerk=200.0,
        effort=130.0,
        home=0.035,
        kp=5000.0,
        kv=100.0,
        armature=0.5,
        viscous=5.0,
        coulomb=1.0,
        prismatic=True,
    ),
    open=0.035,
    closed=0.0,
    mimic=(FOLLOWER,),
)
"""Two fingers on one drive. Force and finger speed as a Robotiq Hand-E's (its product
sheet: 20 to 130 N, 20 to 150 mm/s for both fingers), with 70 mm of stroke where the
Hand-E has 50; servo, inertia and friction are guesses."""

MASS = 1.0
"""Mass of the body [kg]; a Robotiq Hand-E weighs 1.07 kg."""


def with_gripper(robot: RobotSpec) -> RobotSpec:
    """Return ``robot`` with a commanded gripper: its own, or :data:`PARALLEL`."""
    if robot.gripper is not None:
        return robot.with_gripper()
    axis = rotation_from_rpy(robot.tool_rpy)[:, 2]
    tip = np.array(robot.tool_xyz) + axis * LENGTH
    xyz = (float(tip[0]), float(tip[1]), float(tip[2]))
    sources = {**robot.sources, "gripper": "Robotiq Hand-E product sheet; servo: guess"}
    mounted = replace(robot, gripper=PARALLEL, tool_xyz=xyz, sources=sources)
    return mounted.with_gripper()


def add_gripper(spec: Any, robot: RobotSpec) -> None:
    """Build :data:`PARALLEL` at the tool site, where ``robot`` carries it."""
    if robot.gripper != PARALLEL:
        return
    palm = add_at_site(spec, robot.tool_frame, "palm")
    palm.gravcomp = 1
    look: dict[str, Any] = {"contype": 1, "conaffinity": 3, "rgba": [0.2, 0.2, 0.22, 1]}
    palm.add_geom(
        name="palm",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        fromto=[0, 0, 0.005, 0, 0, 0.1],
        size=[0.037, 0, 0],
        mass=MASS,
        **look,
    )
    for name, side in ((JOINT, 1.0), (FOLLOWER, -1.0)):
        finger = palm.add_body(name=f"{name}_link", pos=[0, 0, 0.11], gravcomp=1)
        joint = finger.add_joint(name=name, axis=[0, side, 0])
        joint.type = mujoco.mjtJoint.mjJNT_SLIDE
        joint.range = [PARALLEL.joint.lower, PARALLEL.joint.upper]
        finger.add_geom(
            name=f"{name}_pad",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=[0, side * 0.006, 0.022],
            size=[0.01, 0.006, 0.028],
            mass=0.05,
            condim=4,
            friction=[1.0, 0.01, 0.0001],
            priority=1,
            **look,
        )
    spec.add_exclude(bodyname1=f"{JOINT}_link", bodyname2=f"{FOLLOWER}_link")
    same = spec.add_equality(name="gripper_fingers", name1=FOLLOWER, name2=JOINT)
    same.type = mujoco.mjtEq.mjEQ_JOINT
    same.objtype = mujoco.mjtObj.mjOBJ_JOINT
    same.data[:2] = [0.0, 1.0]
    same.solref = [0.005, 1.0]
    same.solimp[:3] = [0.95, 0.99, 0.001]
