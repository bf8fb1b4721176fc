"""A user's own MJCF, reduced to what its RobotSpec says."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from forearm.core.errors import MismatchError
from forearm.core.kinematics import quat_wxyz_from_rotation, rotation_from_rpy
from forearm.core.robot import RobotSpec


def adapt(spec: Any, robot: RobotSpec, *, freeze: bool = True) -> None:
    """Leave only the arm's joints in ``spec``, set ``gravcomp`` and add the tool.

    Foreign actuators, sensors, tendons, equalities and keyframes go; every other joint
    is frozen where the file puts it, unless ``freeze`` is false.

    Raises:
        MismatchError: a joint of ``robot`` is not in the file.
    """
    keep = set(robot.joint_names)
    found = {joint.name for joint in spec.joints}
    if missing := sorted(keep - found):
        raise MismatchError("joints of the MJCF", sorted(found), f"also {missing}")
    for kind in ("actuators", "sensors", "equalities", "tendons", "keys"):
        for element in list(getattr(spec, kind)):
            spec.delete(element)
    for joint in list(spec.joints):
        if freeze and joint.name not in keep:
            spec.delete(joint)
    for joint in spec.joints:
        if joint.name not in keep:
            continue
        joint.limited = mujoco.mjtLimited.mjLIMITED_TRUE
        joint.stiffness = np.zeros_like(joint.stiffness)
        joint.damping = np.zeros_like(joint.damping)
    for body in spec.bodies[1:]:
        body.gravcomp = float(robot.gravity_compensated)
    _add_tool(spec, robot)


def _add_tool(spec: Any, robot: RobotSpec) -> None:
    if spec.site(robot.tool_frame) is None:
        last = spec.joint(robot.joints[-1].name)
        rotation = rotation_from_rpy(robot.tool_rpy)
        last.parent.add_site(
            name=robot.tool_frame,
            pos=np.asarray(last.pos) + robot.tool_xyz,
            quat=quat_wxyz_from_rotation(rotation),
        )
