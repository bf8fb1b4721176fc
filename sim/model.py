"""RobotSpec + params -> MjSpec -> MjModel; the MJCF is checked against the spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import FileError, LimitError, MismatchError
from forearm.core.inertia import COORDINATES, factor, inertials, point_inertial
from forearm.core.inertia import principal as principal_axes
from forearm.core.params import KINDS, nominal_values
from forearm.core.robot import RobotSpec

from .servo import ServoGains, add_servos, freeze_gripper

Values = Mapping[str, NDArray[np.float64]]
"""Parameter values by name, as :func:`forearm.core.params.nominal_values` gives."""

ASSETS = Path(__file__).parent / "assets"
"""Folder of the MJCF files."""

GRAVITY = 9.80665
"""Standard gravity (3rd CGPM, 1901) [m/s^2]."""

TIMESTEP = 0.002
"""Default physics time step [s]."""

PAYLOAD = "payload"
"""Name of the body that carries ``payload_mass``."""

MIN_MASS = 1e-6
"""Mass of an absent payload [kg]; MuJoCo needs a positive one."""

PAYLOAD_RADIUS = 0.05
"""Radius of gyration assumed for a payload [m]: a hand-sized body."""

SpecHook = Callable[[mujoco.MjSpec], None]
"""Adds what a task needs (objects, sites) to the model before it is compiled."""


def asset_path(robot: RobotSpec) -> Path:
    """Return the MJCF of ``robot``.

    Raises:
        FileError: there is no such file.
    """
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
) -> Any:
    """Compile ``robot`` with a position servo per joint and a payload at the tool.

    Args:
        robot: the arm.
        values: parameter values; nominal where missing.
        timestep: physics time step [s].
        hook: adds a task's objects to the model.

    Returns:
        The ``mujoco.MjModel``; ``ctrl`` is the joint position command [rad].

    Raises:
        FileError: the MJCF does not compile.
        MismatchError: the MJCF contradicts the spec.
    """
    path = asset_path(robot)
    try:
        spec = mujoco.MjSpec.from_file(str(path))
        if robot.gripper is not None and not robot.grips:
            freeze_gripper(spec, robot.gripper)
        add_servos(spec, robot, timestep)
        _add_payload(spec, robot)
        if hook is not None:
            hook(spec)
        spec.option.timestep = timestep
        spec.option.gravity = [0.0, 0.0, -GRAVITY]
        model = spec.compile()
    except ValueError as error:
        raise FileError(path, f"does not compile ({error})") from error
    apply_values(model, robot, {**nominal_values(robot), **(values or {})})
    return model


def _add_payload(spec: Any, robot: RobotSpec) -> None:
    site = spec.site(robot.tool_frame)
    if site is None:
        raise MismatchError("sites of the MJCF", "none", robot.tool_frame)
    body = site.parent.add_body(name=PAYLOAD, pos=site.pos, quat=site.quat)
    body.mass, body.ipos = MIN_MASS, [0.0, 0.0, 0.0]
    body.inertia = [MIN_MASS * PAYLOAD_RADIUS**2] * 3
    body.explicitinertial = True


def gravity_vector(base_tilt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gravity in the frame of a base tilted by (roll, pitch) [rad], shape (..., 3)."""
    roll, pitch = base_tilt[..., 0], base_tilt[..., 1]
    return -GRAVITY * np.stack(
        [-np.sin(pitch), np.cos(pitch) * np.sin(roll), np.cos(pitch) * np.cos(roll)],
        axis=-1,
    )


class FieldMap:
    """Where each parameter lives in a compiled model: names to indices, once."""

    def __init__(self, model: Any, robot: RobotSpec) -> None:
        """Look up joints, actuators and bodies of ``robot`` in ``model``."""
        joints = [model.joint(name) for name in robot.joint_names]
        self.qpos = np.array([j.qposadr[0] for j in joints])
        self.dof = np.array([j.dofadr[0] for j in joints])
        self.actuator = np.array([model.actuator(n).id for n in robot.joint_names])
        self.link = np.array([model.jnt_bodyid[j.id] for j in joints])
        self.payload = model.body(PAYLOAD).id
        self.link_mass = model.body_mass[self.link].copy()
        self.gravcomp = float(robot.gravity_compensated)
        self.gains = ServoGains(robot)
        self.link_inertia = model.body_inertia[self.link].copy()
        self._factor = factor(np.array([_inertial(model, b) for b in self.link]))
        self._shaped = self._curved = False

    def fields(self, values: Values) -> dict[str, tuple[Any, NDArray[np.float64]]]:
        """Return ``field -> (index, array)`` for values with any leading shape.

        Values are arrays of shape (..., size); the arrays returned have the model
        field's trailing shape behind the same leading shape.
        """
        gain, bias = self.gains(values)
        scale = values["link_mass_scale"]
        mass = np.maximum(values["payload_mass"], MIN_MASS)
        inertia = np.repeat(mass * PAYLOAD_RADIUS**2, 3, axis=-1)
        payload = np.array([self.payload])
        fields = {
            "actuator_gainprm": (
                (self.actuator, slice(0, gain.shape[-1])),
                gain,
            ),
            "actuator_biasprm": (
                (self.actuator, slice(0, 3)),
                bias,
            ),
            "actuator_delay": (
                (self.actuator,),
                0 * values["kp"] + values["command_delay"],
            ),
            "dof_armature": ((self.dof,), values["armature"]),
            "dof_damping": ((self.dof,), values["viscous"]),
            "dof_frictionloss": ((self.dof,), values["coulomb"]),
            "body_mass": (
                (np.append(self.link, self.payload),),
                np.concatenate([self.link_mass * scale, mass], axis=-1),
            ),
            "body_inertia": (
                (np.append(self.link, self.payload),),
                np.concatenate(
                    [self.link_inertia * scale[..., None], inertia[..., None, :]],
                    axis=-2,
                ),
            ),
            # The servo compensates the model's own mass, not the true one.
            "body_gravcomp": ((self.link,), self.gravcomp / scale),
            "body_ipos": ((payload,), values["payload_com"][..., None, :]),
            "opt.gravity": ((slice(0, 3),), gravity_vector(values["base_tilt"])),
        }
        # Fields most arms leave alone stay shared between simulations until used.
        self._shaped |= any(values[name].any() for name in COORDINATES)
        self._curved |= bool(values["viscous_quadratic"].any())
        if self._curved:
            poly = values["viscous_quadratic"][..., None]
            fields["dof_dampingpoly"] = ((self.dof, slice(0, 1)), poly)
        return fields | (self._reshaped(values, mass, inertia) if self._shaped else {})

    def _reshaped(
        self, values: Values, mass: NDArray[np.float64], inertia: NDArray[np.float64]
    ) -> dict[str, tuple[Any, NDArray[np.float64]]]:
        """Return the links' mass, centre and inertia at their coordinates."""
        theta = np.stack([values[name] for name in COORDINATES], axis=-1)
        numbers = inertials(self._factor, theta)
        link_mass, com, quat_wxyz, moments = principal_axes(numbers)
        scale = values["link_mass_scale"]
        index = (np.append(self.link, self.payload),)
        payload = values["payload_com"][..., None, :]
        moments = moments * scale[..., None]
        return {
            "body_mass": (index, np.concatenate([link_mass * scale, mass], axis=-1)),
            "body_ipos": (index, np.concatenate([com, payload], axis=-2)),
            "body_iquat": ((self.link,), quat_wxyz),
            "body_inertia": (
                index,
                np.concatenate([moments, inertia[..., None, :]], axis=-2),
            ),
            "body_gravcomp": ((self.link,), self.link_mass / (link_mass * scale)),
        }


def _inertial(model: Any, body: int) -> NDArray[np.float64]:
    """Return a body's ten inertial numbers about its origin."""
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, model.body_iquat[body])
    axes = turn.reshape(3, 3)
    central = axes @ np.diag(model.body_inertia[body]) @ axes.T
    return point_inertial(model.body_mass[body], model.body_ipos[body], central)


def apply_values(model: Any, robot: RobotSpec, values: Values) -> None:
    """Write parameter values into a compiled model, derived constants included.

    What MuJoCo has no field for (load-dependent and Stribeck friction, backlash,
    sensing) is left to :mod:`forearm.sim.friction` and :mod:`forearm.sim.sensing`.

    Raises:
        LimitError: a value is not finite or has the wrong size.
    """
    for name, value in values.items():
        expected = (KINDS[name].size or robot.n,)
        if value.shape != expected or not np.isfinite(value).all():
            raise LimitError(f"{name} must be {expected[0]} finite values, got {value}")
    complete = {**nominal_values(robot), **values}
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
