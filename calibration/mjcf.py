"""Write an arm's MJCF with calibrated numbers in it, for plain MuJoCo."""

from __future__ import annotations

from pathlib import Path

import mujoco

from forearm.core.files import write_atomic
from forearm.core.log import Floats
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec
from forearm.sim.model import FieldMap, asset_path, build_model


def write_mjcf(path: str | Path, robot: RobotSpec, values: dict[str, Floats]) -> None:
    """Write the MJCF of ``robot`` with what MuJoCo itself can simulate.

    Armature, frictionloss, (polynomial) damping, link masses, centres and inertias;
    the servo and everything else stay as in the robot's own file.

    Args:
        path: the new ``.xml``.
        robot: the arm.
        values: parameter values; nominal where missing.

    Raises:
        FileError: the file cannot be written.
    """
    complete = {**nominal_values(robot), **values}
    fitted = build_model(robot, complete)
    fields = FieldMap(fitted, robot)
    spec = mujoco.MjSpec.from_file(str(asset_path(robot)))
    for j, name in enumerate(robot.joint_names):
        joint, dof = spec.joint(name), fields.dof[j]
        joint.armature = float(fitted.dof_armature[dof])
        joint.frictionloss = float(fitted.dof_frictionloss[dof])
        joint.damping = [fitted.dof_damping[dof], *fitted.dof_dampingpoly[dof]]
        body, link = joint.parent, fields.link[j]
        body.mass = float(fitted.body_mass[link])
        body.ipos, body.iquat = fitted.body_ipos[link], fitted.body_iquat[link]
        # The user's file may say the turn as angles, which would win.
        body.ialt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        body.inertia = fitted.body_inertia[link]
        body.fullinertia = [float("nan")] + [0.0] * 5
        body.explicitinertial = True
    spec.compile()
    write_atomic(path, spec.to_xml())
