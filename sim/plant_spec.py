"""PlantSpec: what a stand-in arm does that the training model does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from forearm.core.errors import LimitError
from forearm.core.files import read_model
from forearm.core.params import KINDS, Params, load_params, nominal_values
from forearm.core.robot import RobotSpec

PerJoint = float | list[float]
"""One value for all joints, or one each."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FrictionSpec(_Strict):
    """Joint friction."""

    coulomb: PerJoint | None = None
    """Coulomb friction [Nm]; the params' where missing."""
    viscous: PerJoint | None = None
    """Viscous friction [Nm s/rad]; the params' where missing."""
    stribeck: PerJoint = 0.0
    """Extra friction at standstill [Nm]."""
    stribeck_velocity: PerJoint = 0.1
    """Velocity at which it has fallen to 1/e [rad/s]."""
    load_dependent: PerJoint = 0.0
    """Friction per transmitted torque [1]."""


class CommandDelaySpec(_Strict):
    """What happens to commands on their way to the servo."""

    mean: float = Field(default=0.0, ge=0, le=0.5)
    """[s]"""
    jitter: float = Field(default=0.0, ge=0, le=0.5)
    """Standard deviation [s]; order is kept."""
    drop_rate: float = Field(default=0.0, ge=0, lt=1)
    """Part of the commands that never arrives."""


class SensorSpec(_Strict):
    """What happens to joint states."""

    delay: float = Field(default=0.0, ge=0, le=0.5)
    """[s]"""
    noise: PerJoint = 0.0
    """Standard deviation of positions [rad]."""
    velocity_noise: PerJoint = 0.0
    """Standard deviation of velocities [rad/s]."""
    quantization: PerJoint = 0.0
    """Step of positions [rad]."""
    offset: PerJoint = 0.0
    """Measured minus true position [rad]."""


class PayloadSpec(_Strict):
    """A load at the tool."""

    mass: float = Field(default=0.0, ge=0)
    """[kg]"""
    com: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Centre of mass in the tool frame [m]."""


class ServoSpec(_Strict):
    """How the servo differs from its data sheet."""

    gain_error: PerJoint = 0.0
    """Relative error of kp and kv, e.g. -0.2 for 20 % less."""
    saturation: float = Field(default=1.0, gt=0, le=1)
    """Part of the torque limit it delivers."""


class PlantSpec(_Strict):
    """The content of ``plant.yaml``."""

    robot: str | None = None
    """Robot it is meant for, if any."""
    params: str | dict[str, list[float]] = Field(default_factory=dict)
    """Path of a params file, or values by parameter name."""
    timestep: float = Field(default=0.001, gt=0, le=0.004)
    """Physics step [s]."""
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] = "implicitfast"
    friction: FrictionSpec = FrictionSpec()
    backlash: PerJoint = 0.0
    """Gear play, full width [rad]."""
    command_delay: CommandDelaySpec = CommandDelaySpec()
    sensor: SensorSpec = SensorSpec()
    payload: PayloadSpec | None = None
    servo: ServoSpec = ServoSpec()
    base_tilt: tuple[float, float] | None = None
    """Base roll and pitch against gravity [rad]."""
    seed: int = 0

    def values(
        self, robot: RobotSpec, folder: Path | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Return the simulator's parameter values for ``robot``.

        Raises:
            ForearmError: the plant is of another robot, or a value does not fit.
        """
        if self.robot is not None and self.robot != robot.name:
            raise LimitError(f"plant is for robot {self.robot!r}, not {robot.name!r}")
        values = self._params(robot, folder)
        for name, given in (
            ("coulomb", self.friction.coulomb),
            ("viscous", self.friction.viscous),
        ):
            if given is not None:
                values[name] = per_joint(given, robot.n, name)
        gain = 1.0 + per_joint(self.servo.gain_error, robot.n, "servo.gain_error")
        values["kp"], values["kv"] = values["kp"] * gain, values["kv"] * gain
        if self.payload is not None:
            values["payload_mass"] = np.array([self.payload.mass])
            values["payload_com"] = np.array(self.payload.com)
        if self.base_tilt is not None:
            values["base_tilt"] = np.array(self.base_tilt)
        return values

    def _params(
        self, robot: RobotSpec, folder: Path | None
    ) -> dict[str, NDArray[np.float64]]:
        if isinstance(self.params, str):
            path = Path(self.params)
            if folder is not None and not path.is_absolute():
                path = folder / path
            return load_params(path, robot).values(robot)
        if not self.params:
            return nominal_values(robot)
        content: dict[str, Any] = {
            name: {
                "value": value,
                "unit": KINDS[name].unit if name in KINDS else "unknown",
            }
            for name, value in self.params.items()
        }
        try:
            params = Params(
                robot=robot.name, joints=list(robot.joint_names), params=content
            )
        except ValueError as error:
            raise LimitError(f"plant params: {error}") from error
        return params.values(robot)


def per_joint(value: PerJoint, n: int, name: str) -> NDArray[np.float64]:
    """Return ``value`` for all joints, shape (n,).

    Raises:
        LimitError: a list has the wrong length.
    """
    array = np.atleast_1d(np.array(value, np.float64))
    if array.size not in (1, n):
        raise LimitError(f"plant {name} needs 1 or {n} values, got {array.size}")
    return np.array(np.broadcast_to(array, (n,)))


def load_plant(path: str | Path) -> PlantSpec:
    """Read ``plant.yaml``.

    Raises:
        FileError: the file is missing, corrupt or has an unknown field.
    """
    return read_model(path, PlantSpec)
