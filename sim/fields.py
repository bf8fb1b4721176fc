"""FieldMap: where each parameter lives in a compiled model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.inertia import (
    COORDINATES,
    factor,
    inertials,
    point_inertial,
    principal,
)
from forearm.core.robot import RobotSpec

from .servo import ServoGains

Floats = NDArray[np.float64]

Values = Mapping[str, NDArray[np.float64]]
"""Parameter values by name, as :func:`forearm.core.params.nominal_values` gives."""

Maker = Callable[[Values], Floats]
"""From parameter values to the content of one field."""

GRAVITY = 9.80665
"""Standard gravity (3rd CGPM, 1901) [m/s^2]."""

PAYLOAD = "payload"
"""Name of the body that carries ``payload_mass``."""

MIN_MASS = 1e-6
"""Mass of an absent payload [kg]; MuJoCo needs a positive one."""

PAYLOAD_RADIUS = 0.05
"""Radius of gyration assumed for a payload [m]: a hand-sized body."""


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
        self.gravcomp = float(robot.gravity_compensated)
        self.gains = ServoGains(robot)
        self.link_mass = model.body_mass[self.link].copy()
        self.link_inertia = model.body_inertia[self.link].copy()
        self.geom_friction = model.geom_friction[:, 0].copy()
        self._factor = factor(np.array([_inertial(model, b) for b in self.link]))
        self._makers = self._make_fields()
        self._shaped = self._curved = False

    def fields(
        self, values: Values, names: Collection[str] | None = None
    ) -> dict[str, tuple[Any, Floats]]:
        """Return ``field -> (index, array)`` for values with any leading shape.

        Values are arrays of shape (..., size); the arrays returned have the model
        field's trailing shape behind the same leading shape.

        Args:
            values: every parameter.
            names: the parameters that have changed; all by default.
        """
        chosen = {
            field: (index, make(values))
            for field, (index, make) in self._makers.items()
            if names is None or any(name in names for name in FIELD_NEEDS[field])
        }
        if "actuator_gainprm" in chosen:
            # A position servo has one gain, a motor seven.
            (rows, _), gain = chosen["actuator_gainprm"]
            index = (rows, slice(0, gain.shape[-1]))
            chosen["actuator_gainprm"] = (index, gain)
        # Fields most arms leave alone stay shared between simulations until used.
        self._curved |= bool(values["viscous_quadratic"].any())
        if self._curved and (names is None or "viscous_quadratic" in names):
            poly = values["viscous_quadratic"][..., None]
            chosen["dof_dampingpoly"] = ((self.dof, slice(0, 1)), poly)
        self._shaped |= any(values[name].any() for name in COORDINATES)
        if self._shaped and (names is None or not SHAPE.isdisjoint(names)):
            chosen |= self._reshaped(values)
        return chosen

    def _make_fields(self) -> dict[str, tuple[Any, Maker]]:
        bodies, every = (np.append(self.link, self.payload),), slice(None)
        return {
            "actuator_gainprm": ((self.actuator, every), lambda v: self.gains(v)[0]),
            "actuator_biasprm": (
                (self.actuator, slice(0, 3)),
                lambda v: self.gains(v)[1],
            ),
            "actuator_delay": (
                (self.actuator,),
                lambda v: np.zeros_like(v["kp"]) + v["command_delay"],
            ),
            "dof_armature": ((self.dof,), lambda v: v["armature"]),
            "dof_damping": ((self.dof,), lambda v: v["viscous"]),
            "dof_frictionloss": ((self.dof,), lambda v: v["coulomb"]),
            "body_mass": (bodies, self._mass),
            "body_inertia": (bodies, self._inertia),
            # The servo compensates the model's own mass, not the true one.
            "body_gravcomp": (
                (self.link,),
                lambda v: self.gravcomp / v["link_mass_scale"],
            ),
            "body_ipos": (
                (np.array([self.payload]),),
                lambda v: v["payload_com"][..., None, :],
            ),
            "geom_friction": (
                (every, slice(0, 1)),
                lambda v: (self.geom_friction * v["contact_friction"])[..., None],
            ),
            "opt.gravity": ((slice(0, 3),), lambda v: gravity_vector(v["base_tilt"])),
        }

    def _mass(self, v: Values) -> Floats:
        payload = np.maximum(v["payload_mass"], MIN_MASS)
        return np.concatenate([self.link_mass * v["link_mass_scale"], payload], axis=-1)

    def _inertia(self, v: Values) -> Floats:
        links = self.link_inertia * v["link_mass_scale"][..., None]
        payload = np.maximum(v["payload_mass"], MIN_MASS) * PAYLOAD_RADIUS**2
        payload = np.repeat(payload, 3, axis=-1)[..., None, :]
        return np.concatenate([links, payload], axis=-2)

    def _reshaped(self, v: Values) -> dict[str, tuple[Any, Floats]]:
        """Return the links' mass, centre and inertia at their coordinates."""
        theta = np.stack([v[name] for name in COORDINATES], axis=-1)
        mass, com, quat_wxyz, moments = principal(inertials(self._factor, theta))
        scale = v["link_mass_scale"]
        bodies = (np.append(self.link, self.payload),)
        payload_mass = np.maximum(v["payload_mass"], MIN_MASS)
        payload = np.repeat(payload_mass * PAYLOAD_RADIUS**2, 3, axis=-1)
        masses = np.concatenate([mass * scale, payload_mass], axis=-1)
        centres = np.concatenate([com, v["payload_com"][..., None, :]], axis=-2)
        moments = np.concatenate(
            [moments * scale[..., None], payload[..., None, :]], axis=-2
        )
        gravcomp = self.gravcomp * self.link_mass / (mass * scale)
        return {
            "body_mass": (bodies, masses),
            "body_ipos": (bodies, centres),
            "body_iquat": ((self.link,), quat_wxyz),
            "body_inertia": (bodies, moments),
            "body_gravcomp": ((self.link,), gravcomp),
        }


def _inertial(model: Any, body: int) -> Floats:
    """Return a body's ten inertial numbers about its origin."""
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, model.body_iquat[body])
    axes = turn.reshape(3, 3)
    central = axes @ np.diag(model.body_inertia[body]) @ axes.T
    return point_inertial(model.body_mass[body], model.body_ipos[body], central)


SHAPE = {*COORDINATES, "link_mass_scale", "payload_mass", "payload_com"}
"""Parameters of the links' and the payload's inertials."""

FIELD_NEEDS: dict[str, tuple[str, ...]] = {
    "actuator_gainprm": ("kp", "torque_scale"),
    "actuator_biasprm": ("kp", "kv", "torque_scale"),
    "actuator_delay": ("command_delay",),
    "dof_armature": ("armature",),
    "dof_damping": ("viscous",),
    "dof_frictionloss": ("coulomb",),
    "body_mass": ("link_mass_scale", "payload_mass"),
    "body_inertia": ("link_mass_scale", "payload_mass"),
    "body_gravcomp": ("link_mass_scale",),
    "body_ipos": ("payload_com",),
    "geom_friction": ("contact_friction",),
    "opt.gravity": ("base_tilt",),
}
"""Parameters that each field of a compiled model depends on."""
