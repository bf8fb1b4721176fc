"""What the compiled simulations say a parameter is: read from MuJoCo, not from us.

Written apart from :mod:`forearm.sim.fields`, which writes them: a value in the wrong
field, scaled twice or kept from the last episode shows here.
"""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import NDArray

from .batch import ArmBatch
from .model import PAYLOAD, SpecHook, build_model

Floats = NDArray[np.float64]

DERIVED = ("dof_M0", "body_subtreemass", "dof_invweight0", "body_invweight0")
"""Constants that follow from masses, inertias and armature."""


class Readback:
    """Reads parameter values back from the compiled fields of a batch."""

    def __init__(self, batch: ArmBatch, hook: SpecHook | None = None) -> None:
        """Look names up in the model by themselves; ``hook`` is the batch's."""
        self._batch, model = batch, batch.model
        joints = [model.joint(name) for name in batch.robot.joint_names]
        self._dof = [int(j.dofadr[0]) for j in joints]
        self._link = [int(model.jnt_bodyid[j.id]) for j in joints]
        self.servos = [model.actuator(name).id for name in batch.robot.joint_names]
        self.payload = model.body(PAYLOAD).id
        step = float(model.opt.timestep)
        self._nominal = build_model(batch.robot, timestep=step, hook=hook)
        motors = [joint.motor for joint in batch.robot.joints]
        self._motor = np.array([motor is not None for motor in motors])
        self._resistance = np.array([m.resistance if m else 1.0 for m in motors])

    def field(self, name: str) -> Floats:
        """Return a model field of every simulation, (nsim, ...)."""
        values = self._batch.batch.expanded(name)
        if values is None:
            owner = self._batch.model
            for part in name.split("."):
                owner = getattr(owner, part)
            values = np.repeat(np.asarray(owner)[None], self._batch.nsim, axis=0)
        return np.asarray(values, np.float64)

    def __call__(self, name: str) -> Floats:
        """Return values (nsim, size) of a quantity; ours where MuJoCo has no field."""
        reader = READERS.get(name)
        return self._batch.values[name] if reader is None else reader(self)

    def mass_ratio(self) -> Floats:
        """Return each link's mass over the nominal one, (nsim, n)."""
        nominal = self._nominal.body_mass[self._link]
        return np.asarray(self.field("body_mass")[:, self._link] / nominal)

    def inertia_ratio(self) -> Floats:
        """Return each link's principal moments over the nominal ones, (nsim, n, 3)."""
        nominal = self._nominal.body_inertia[self._link]
        return np.asarray(self.field("body_inertia")[:, self._link] / nominal)

    def physical(self) -> bool:
        """Return whether every moving body has the inertia of a real mass."""
        bodies = [*self._link, self.payload]
        inertia = self.field("body_inertia")[:, bodies]
        largest, total = inertia.max(axis=2), inertia.sum(axis=2)
        positive = (self.field("body_mass")[:, bodies] > 0).all()
        return bool(positive and (total >= 2 * largest * (1 - 1e-6)).all())

    def stale(self, count: int = 4) -> list[str]:
        """Return the derived constants that a fresh ``mj_setConst`` would change."""
        changed = set()
        for i in range(min(count, self._batch.nsim)):
            model = self._batch.batch.get_model(i)
            before = {name: np.array(getattr(model, name)) for name in DERIVED}
            mujoco.mj_setConst(model, mujoco.MjData(model))
            for name, value in before.items():
                if not np.allclose(value, getattr(model, name), rtol=1e-9, atol=1e-12):
                    changed.add(name)
        return sorted(changed)

    def joint(self, field: str) -> Floats:
        """Return a field per degree of freedom of the arm's joints, (nsim, n)."""
        return self.field(field)[:, self._dof]

    def servo(self, field: str, column: int) -> Floats:
        """Return a column of a field per servo, (nsim, n)."""
        return self.field(field)[:, self.servos, column]

    def torque_scale(self) -> Floats:
        """Return what the servos' torque is multiplied by, (nsim, n).

        An ideal servo's gain over what kp says; a DC motor's nominal resistance over
        the one in force, as its torque per volt goes with 1 / R.
        """
        first = self.servo("actuator_gainprm", 0)
        ideal = first / self._batch.values["kp"]
        return np.asarray(np.where(self._motor, self._resistance / first, ideal))

    def gain(self, field: str, column: int, motor_column: int) -> Floats:
        """Return a servo gain before its torque scale, (nsim, n).

        A DC motor holds its controller's gains in ``actuator_gainprm`` (MuJoCo's XML
        reference, ``actuator/dcmotor``: R, K, -, -, kp, ki, kd).
        """
        ideal = self.servo(field, column) / self._batch.values["torque_scale"]
        if not self._motor.any():
            return np.asarray(ideal)
        motor = self.servo("actuator_gainprm", motor_column) / self.torque_scale()
        return np.asarray(np.where(self._motor, motor, ideal))

    def kv(self) -> Floats:
        """Return the servos' velocity gain, (nsim, n); a bias is its negative."""
        sign = np.where(self._motor, 1.0, -1.0)
        return np.asarray(sign * self.gain("actuator_biasprm", 2, 6))

    def tilt(self) -> Floats:
        """Return roll and pitch of the base by the direction of gravity, (nsim, 2)."""
        x, y, z = (self.field("opt.gravity") / -9.80665).T
        return np.stack([np.arctan2(y, z), np.arcsin(-x)], axis=1)


READERS: dict[str, Callable[[Readback], Floats]] = {
    "kp": lambda r: r.gain("actuator_gainprm", 0, 4),
    "kv": Readback.kv,
    "torque_scale": Readback.torque_scale,
    "armature": lambda r: r.joint("dof_armature"),
    "viscous": lambda r: r.joint("dof_damping"),
    "coulomb": lambda r: r.joint("dof_frictionloss"),
    "link_mass_scale": Readback.mass_ratio,
    "payload_mass": lambda r: r.field("body_mass")[:, [r.payload]],
    "payload_com": lambda r: r.field("body_ipos")[:, r.payload],
    "command_delay": lambda r: r.field("actuator_delay")[:, r.servos[:1]],
    "base_tilt": Readback.tilt,
}
"""Quantities that MuJoCo has a field for."""
