"""RobotSpec + params -> MjSpec -> MjModel; the MJCF is checked against the spec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from forearm.core.errors import FileError, LimitError, MismatchError
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec

from .fields import (
    GRAVITY,
    MIN_MASS,
    PAYLOAD,
    PAYLOAD_RADIUS,
    FieldMap,
    Values,
)
from .foreign import adapt
from .mount import add_at_site
from .quantities import QUANTITIES, all_nominal, get_quantity
from .servo import add_servos, freeze_gripper

ASSETS = Path(__file__).parent / "assets"
"""Folder of the MJCF files."""

TIMESTEP = 0.002
"""Default physics time step [s]."""

LONGEST_DELAY = QUANTITIES["command_delay"].maximum
"""Longest command delay there is [s]."""

SpecHook = Callable[[mujoco.MjSpec], None]
"""Adds what a task needs (objects, sites) to the model before it is compiled."""


def asset_path(robot: RobotSpec) -> Path:
    """Return the MJCF of ``robot``.

    Raises:
        FileError: there is no such file.
    """
    if not robot.asset:
        raise FileError(robot.name, "has no MJCF here", "give --model and --spec")
    path = Path(robot.asset)
    path = path if path.is_absolute() else ASSETS / path
    if not path.is_file():
        raise FileError(path, f"the MJCF of robot {robot.name!r} is missing")
    return path


def build_model(
    robot: RobotSpec,
    values: Values | None = None,
    *,
    timestep: float = TIMESTEP,
    hook: SpecHook | None = None,
    freeze: bool = True,
    longest_delay: float = LONGEST_DELAY,
) -> Any:
    """Compile ``robot`` with a position servo per joint and a payload at the tool.

    Args:
        robot: the arm.
        values: parameter values; nominal where missing.
        timestep: physics time step [s].
        hook: adds a task's objects to the model.
        freeze: of a user's own arm, leave no joint but those of its spec.
        longest_delay: command delay that the servos' buffers hold [s].

    Returns:
        The ``mujoco.MjModel``; ``ctrl`` is the joint position command [rad].

    Raises:
        FileError: the MJCF does not compile.
        MismatchError: the MJCF contradicts the spec.
    """
    path = asset_path(robot)
    try:
        spec = mujoco.MjSpec.from_file(str(path))
        if path == Path(robot.asset):  # Not one of ours.
            adapt(spec, robot, freeze=freeze)
        if robot.gripper is not None and not robot.grips:
            freeze_gripper(spec, robot.gripper)
        # First the task's: its gripper, if any, gets a servo like every joint.
        if hook is not None:
            hook(spec)
        add_servos(spec, robot, timestep, longest_delay)
        _add_payload(spec, robot)
        spec.option.timestep = timestep
        spec.option.gravity = [0.0, 0.0, -GRAVITY]
        model = spec.compile()
    except ValueError as error:
        raise FileError(path, f"does not compile ({error})") from error
    apply_values(model, robot, {**nominal_values(robot), **(values or {})})
    return model


def _add_payload(spec: Any, robot: RobotSpec) -> None:
    body = add_at_site(spec, robot.tool_frame, PAYLOAD)
    body.mass, body.ipos = MIN_MASS, [0.0, 0.0, 0.0]
    body.inertia = [MIN_MASS * PAYLOAD_RADIUS**2] * 3
    body.explicitinertial = True


def apply_values(model: Any, robot: RobotSpec, values: Values) -> None:
    """Write parameter values into a compiled model, derived constants included.

    What MuJoCo has no field for (load-dependent and Stribeck friction, backlash,
    sensing) is left to :mod:`forearm.sim.friction` and :mod:`forearm.sim.sensing`.

    Raises:
        LimitError: a value is not finite or has the wrong size.
    """
    for name, value in values.items():
        expected = (get_quantity(name).size(robot.n),)
        if value.shape != expected or not np.isfinite(value).all():
            raise LimitError(f"{name} must be {expected[0]} finite values, got {value}")
    complete = {**all_nominal(robot), **values}
    for field, (index, array) in FieldMap(model, robot).fields(complete).items():
        target = model.opt.gravity if field == "opt.gravity" else getattr(model, field)
        target[index] = array
    mujoco.mj_setConst(model, mujoco.MjData(model))


def check_model(model: Any, robot: RobotSpec) -> None:
    """Hold a compiled model against its spec: limits, axes and tool frame.

    Raises:
        MismatchError: the MJCF and the spec disagree.
    """
    from forearm.core.kinematics import Kinematics

    data = mujoco.MjData(model)
    fields = FieldMap(model, robot)
    rng = np.random.default_rng(0)
    for _ in range(8):
        joint_pos = rng.uniform(robot.lower, robot.upper)
        data.qpos[fields.qpos] = joint_pos
        mujoco.mj_kinematics(model, data)
        pose, site = Kinematics(robot)(joint_pos), data.site(robot.tool_frame)
        error = max(
            np.abs(pose.position - site.xpos).max(),
            np.abs(pose.rotation - site.xmat.reshape(3, 3)).max(),
        )
        if error > 1e-6:
            raise MismatchError("tool pose of the MJCF", f"{error:g} m off", "1e-6 m")


__all__ = (
    "ASSETS",
    "GRAVITY",
    "LONGEST_DELAY",
    "MIN_MASS",
    "PAYLOAD",
    "PAYLOAD_RADIUS",
    "TIMESTEP",
    "FieldMap",
    "SpecHook",
    "Values",
    "apply_values",
    "asset_path",
    "build_model",
    "check_model",
)
