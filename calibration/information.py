"""What a motion would tell about parameters: sensitivities before anything moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from scipy.signal import bilinear, lfilter

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.log import Floats
from forearm.core.params import KINDS
from forearm.core.robot import RobotSpec
from forearm.sim.model import FieldMap, build_model

PER_JOINT = ("kp", "kv", "armature", "viscous", "coulomb", "load_friction")
"""Parameters of each joint that a motion can be planned for."""

SHARED = ("command_delay", "payload_mass", "payload_com")
"""Parameters of the whole arm that a motion can be planned for."""

DEFAULT = ("kp", "kv", "armature", "viscous", "coulomb", "command_delay")
"""Planned for where nothing is asked for: what every calibration fits."""

PRIOR = {"command_delay": 0.05, "payload_mass": 2.0, "payload_com": 0.1}
"""Standard deviation before any log, in the parameter's unit."""

RELATIVE = 1.0
"""Standard deviation before any log of a joint's parameter, over its value."""

POSITION, EFFORT = 2e-4, 0.005
"""Noise of positions [rad] and of torques [part of the limit]."""

CORRELATION = 0.05
"""Errors nearer than this in time hang together, so they count once [s]."""

DELAY = "command_delay[0]"

SLOW = 0.02
"""Velocity over which friction changes sign [rad/s]."""


class Information:
    """Fisher information of motions about chosen parameters of one arm."""

    def __init__(
        self,
        robot: RobotSpec,
        values: Mapping[str, Floats],
        parameters: Sequence[str] = DEFAULT,
    ) -> None:
        """Choose ``parameters`` and the ``values`` they are expected near.

        Raises:
            UnknownNameError: a parameter no motion can be planned for.
            LimitError: there is none.
        """
        for name in parameters:
            if name not in PER_JOINT + SHARED:
                raise UnknownNameError("parameter", name, PER_JOINT + SHARED)
        if not parameters:
            raise LimitError("no parameter to plan for")
        self.robot, self.values, self.parameters = robot, values, tuple(parameters)
        bare = {k: np.zeros(robot.n) for k in ("armature", "viscous", "coulomb")}
        loads = [(0.0, np.zeros(3))]
        if {"payload_mass", "payload_com"} & set(parameters):
            loads += [(1.0, np.zeros(3)), *((1.0, 0.1 * axis) for axis in np.eye(3))]
        self._models = []
        for mass, com in loads:
            load = {"payload_mass": np.array([mass]), "payload_com": com}
            model = build_model(robot, {**bare, **load})
            flags = mujoco.mjtDisableBit
            model.opt.disableflags |= flags.mjDSBL_CONTACT | flags.mjDSBL_LIMIT
            self._models.append(model)
        self._servos = self._responses()
        self._data = [mujoco.MjData(m) for m in self._models]
        self._fields = FieldMap(self._models[0], robot)

    def _responses(self) -> list[tuple[Floats, Floats]]:
        """Return each servo's response kp / (m s^2 + kv s + kp) as a filter (b, a)."""
        model = self._models[0]
        data, full = mujoco.MjData(model), np.zeros((model.nv, model.nv))
        fields = FieldMap(model, self.robot)
        data.qpos[fields.qpos] = self.robot.home
        mujoco.mj_forward(model, data)
        mujoco.mj_fullM(model, data, full)
        inertia = np.diag(full)[fields.dof] + self.values["armature"]
        return [
            bilinear([kp], [m, kv, kp], fs=1.0 / CORRELATION)
            for m, kv, kp in zip(
                inertia, self.values["kv"], self.values["kp"], strict=True
            )
        ]

    def names(self) -> list[str]:
        """Return ``param[index]`` of every planned value."""
        return [
            f"{name}[{i}]"
            for name in self.parameters
            for i in range(KINDS[name].size or self.robot.n)
        ]

    def prior(self) -> Floats:
        """Return the standard deviation of every value before any log."""
        parts = []
        for name in self.parameters:
            value = np.abs(self.values[name])
            size = KINDS[name].size or self.robot.n
            if name in PRIOR:
                parts.append(np.full(size, PRIOR[name]))
            else:
                floor = 0.02 if name == "load_friction" else 1e-3
                parts.append(RELATIVE * np.maximum(value, floor))
        return np.concatenate(parts)

    def matrix(self, motion: Sequence[Floats]) -> Floats:
        """Return the information (size, size) of one motion, prior included.

        A change of torque moves the joint by the servo's response to it, a change of
        the delay by the joint's own velocity: what tells the two apart is the servo's
        dynamics.

        Args:
            motion: position, velocity, acceleration (T, n), spaced by 10 ms.
        """
        thin = max(1, round(CORRELATION / 0.01))
        q, v, a = (rows[::thin] for rows in motion[:3])
        torque = self._torques(q, v, a)
        kp, limit = self.values["kp"], self.robot.vector("effort")
        size, n = len(self.prior()), self.robot.n
        total = np.diag(self.prior() ** -2.0)
        names = self.names()
        delay = names.index(DELAY) if DELAY in names else -1
        for j in range(n):
            effort, position = np.zeros((2, len(q), size))
            for k, column in self._columns(j, v[:, j], a[:, j], torque).items():
                effort[:, k], position[:, k] = column
                if k != delay:
                    position[:, k] = lfilter(*self._servos[j], position[:, k])
            rows = np.vstack(
                [effort / (EFFORT * limit[j]), position / (POSITION * kp[j])]
            )
            total += rows.T @ rows
        return total

    def _columns(
        self, j: int, v: Floats, a: Floats, torque: list[Floats]
    ) -> dict[int, tuple[Floats, Floats]]:
        """Return (torque column, position column times kp) by place in the vector."""
        sign, kp, kv = np.tanh(v / SLOW), self.values["kp"][j], self.values["kv"][j]
        load = torque[0][:, j]
        arm = {
            "armature": a,
            "viscous": v,
            "coulomb": sign,
            "load_friction": np.abs(load) * sign,
        }
        drive = sum(
            self.values[name][j] * column
            for name, column in arm.items()
            if name in self.values
        )
        # Gravity is compensated by the servo; what is left bends it.
        lag = drive + kv * v
        found: dict[int, tuple[Floats, Floats]] = {}
        place = 0
        for name in self.parameters:
            if name in arm:
                found[place + j] = (arm[name], -arm[name])
            elif name == "kp":
                found[place + j] = (0 * v, lag / kp)
            elif name == "kv":
                found[place + j] = (0 * v, -v)
            elif name == "command_delay":
                found[place] = (0 * v, -kp * v)
            elif name == "payload_mass":
                column = torque[1][:, j] - load
                found[place] = (column, -column)
            else:
                for i in range(3):
                    moved = (torque[2 + i][:, j] - torque[1][:, j]) / 0.1
                    # Information about mass times lever of one kilogram at least.
                    moved = moved * max(float(self.values["payload_mass"][0]), 1.0)
                    found[place + i] = (moved, -moved)
            place += KINDS[name].size or self.robot.n
        return found

    def _torques(self, q: Floats, v: Floats, a: Floats) -> list[Floats]:
        found, fields = [], self._fields
        for model, data in zip(self._models, self._data, strict=True):
            torque = np.empty_like(q)
            for i in range(len(q)):
                data.qpos[fields.qpos] = q[i]
                data.qvel[fields.dof] = v[i]
                data.qacc[fields.dof] = a[i]
                mujoco.mj_inverse(model, data)
                torque[i] = data.qfrc_inverse[fields.dof]
            found.append(torque)
        return found

    def score(self, matrix: Floats) -> float:
        """Return how many e-foldings narrower than the prior, all values together."""
        return 0.5 * float(
            np.linalg.slogdet(matrix)[1] + 2 * np.log(self.prior()).sum()
        )

    def widths(self, matrix: Floats) -> Floats:
        """Return half-widths of 90 % intervals in the values' units, (size,)."""
        return 1.645 * np.asarray(np.sqrt(np.diag(np.linalg.inv(matrix))))
