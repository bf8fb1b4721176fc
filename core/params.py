"""Params: the numbers of a simulator, with provenance and covariance.

A params file says for one robot what calibration measured and what is still a guess.
The simulator loads it; randomization samples from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import FileError, MismatchError, UnknownNameError
from .files import read_model, write_yaml
from .inertia import COORDINATES
from .robot import RobotSpec

Provenance = Literal["datasheet", "measured", "guess"]

FORMAT: Final = 1
"""Version of the file layout."""

JOINT = 0
"""Size marker: one value per joint."""


class ParamKind(BaseModel):
    """What one named parameter is."""

    model_config = ConfigDict(frozen=True)

    size: int
    unit: str
    minimum: float
    maximum: float
    default: float
    meaning: str


def _kind(
    size: int, unit: str, low: float, high: float, default: float, meaning: str
) -> ParamKind:
    return ParamKind(
        size=size,
        unit=unit,
        minimum=low,
        maximum=high,
        default=default,
        meaning=meaning,
    )


_INF = float("inf")

KINDS: dict[str, ParamKind] = {
    "kp": _kind(JOINT, "Nm/rad", 0, _INF, 0, "servo position gain"),
    "kv": _kind(JOINT, "Nm s/rad", 0, _INF, 0, "servo velocity gain"),
    "torque_scale": _kind(JOINT, "1", 0, _INF, 1, "delivered over commanded torque"),
    "armature": _kind(JOINT, "kg m^2", 0, _INF, 0, "reflected rotor inertia"),
    "viscous": _kind(JOINT, "Nm s/rad", 0, _INF, 0, "viscous friction"),
    "coulomb": _kind(JOINT, "Nm", 0, _INF, 0, "Coulomb friction"),
    "load_friction": _kind(JOINT, "1", 0, 1, 0, "friction per transmitted torque"),
    "load_quadratic": _kind(JOINT, "1/Nm", 0, _INF, 0, "friction per squared torque"),
    "stribeck": _kind(JOINT, "Nm", 0, _INF, 0, "extra friction at standstill"),
    "stribeck_velocity": _kind(JOINT, "rad/s", 1e-6, _INF, 0.1, "Stribeck velocity"),
    "viscous_quadratic": _kind(JOINT, "Nm s^2/rad^2", -_INF, _INF, 0, "times v |v|"),
    "friction_slip": _kind(
        JOINT, "rad/s", 0, 1, 0, "Coulomb friction acts along tanh(v / slip); 0: sgn"
    ),
    "drive_gain": _kind(JOINT, "Nm/A", 1e-6, _INF, 1, "joint torque per motor current"),
    "effort_offset": _kind(JOINT, "Nm", -_INF, _INF, 0, "measured minus true torque"),
    "effort_ripple_cos": _kind(
        JOINT, "Nm", -_INF, _INF, 0, "measured minus true torque times cos(rate q)"
    ),
    "effort_ripple_sin": _kind(
        JOINT, "Nm", -_INF, _INF, 0, "measured minus true torque times sin(rate q)"
    ),
    "effort_ripple_rate": _kind(
        JOINT, "1/rad", 0, 1e4, 0, "gear ripples of the torque per joint angle"
    ),
    **{
        name: _kind(
            JOINT, "1", -10, 10, 0, "pseudo-inertia around the model's, see inertia.py"
        )
        for name in COORDINATES
    },
    "backlash": _kind(JOINT, "rad", 0, 0.2, 0, "gear play, full width"),
    "encoder_offset": _kind(JOINT, "rad", -1, 1, 0, "measured minus true position"),
    "encoder_noise": _kind(JOINT, "rad", 0, 1, 0, "standard deviation of position"),
    "velocity_noise": _kind(JOINT, "rad/s", 0, 10, 0, "standard deviation of velocity"),
    "encoder_step": _kind(JOINT, "rad", 0, 1, 0, "quantization step of position"),
    "link_mass_scale": _kind(JOINT, "1", 0.01, 100, 1, "link mass over the model's"),
    "command_delay": _kind(1, "s", 0, 0.2, 0, "from command sent to servo"),
    "sensor_delay": _kind(1, "s", 0, 0.2, 0, "from motion to joint state received"),
    "payload_mass": _kind(1, "kg", 0, 100, 0, "load at the tool"),
    "payload_com": _kind(3, "m", -1, 1, 0, "load's centre of mass, tool frame"),
    "base_tilt": _kind(2, "rad", -0.6, 0.6, 0, "base roll and pitch against gravity"),
}
"""Every parameter a simulator may have; ``kp`` … ``coulomb`` default to the robot's."""


class Param(BaseModel):
    """One named parameter of an arm."""

    model_config = ConfigDict(extra="forbid")

    value: list[float]
    """One value per joint, or as many as the parameter has, in its unit."""
    unit: str
    """SI unit, as in :data:`KINDS`."""
    provenance: Provenance | list[Provenance] = "guess"
    """Where the value comes from, for all values or one each."""
    std: list[float] | None = None
    """Standard deviation of each value where known, same unit."""
    source: str | None = None
    """Data sheet, paper or log the value comes from."""


class Covariance(BaseModel):
    """Joint covariance of measured values."""

    model_config = ConfigDict(extra="forbid")

    names: list[str]
    """Value names, ``param[index]``."""
    matrix: list[list[float]]
    """Symmetric, positive semi-definite, in the units of the values."""

    @model_validator(mode="after")
    def _check(self) -> Covariance:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (len(self.names),) * 2:
            raise ValueError(
                f"covariance must be {len(self.names)} x {len(self.names)}"
            )
        scale = np.abs(matrix).max(initial=0.0)
        if not np.isfinite(matrix).all() or np.abs(matrix - matrix.T).max(
            initial=0.0
        ) > 1e-9 * max(scale, 1e-300):
            raise ValueError("covariance must be finite and symmetric")
        if len(matrix) and np.linalg.eigvalsh(matrix)[0] < -1e-9 * max(scale, 1e-300):
            raise ValueError("covariance must be positive semi-definite")
        return self


class Params(BaseModel):
    """The content of ``params.yaml``."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = FORMAT
    robot: str
    """Short name of the robot the values belong to."""
    joints: list[str]
    """Joint order of the per-joint values."""
    params: dict[str, Param] = Field(default_factory=dict)
    """Parameters by name; what is missing is the robot's nominal value."""
    covariance: Covariance | None = None
    """Joint covariance of the measured values."""
    notes: dict[str, Any] = Field(default_factory=dict)
    """Free-form provenance: logs, versions, date, held-out error."""

    @model_validator(mode="after")
    def _check(self) -> Params:
        for name, param in self.params.items():
            if name not in KINDS:
                raise ValueError(
                    f"unknown parameter {name!r}; valid: {', '.join(KINDS)}"
                )
            _check_param(name, param, len(self.joints))
        return self

    def values(self, robot: RobotSpec) -> dict[str, NDArray[np.float64]]:
        """Return every parameter for ``robot``, nominal where the file says nothing.

        A gripper the file does not hold keeps its nominal values.

        Raises:
            MismatchError: the params belong to another robot.
        """
        self.check_robot(robot)
        values = nominal_values(robot)
        for name, param in self.params.items():
            # A file may hold the arm alone and the robot its gripper, or vice versa.
            known = min(len(param.value), len(values[name]))
            values[name][:known] = param.value[:known]
        return values

    def check_robot(self, robot: RobotSpec) -> None:
        """Refuse the params of another robot.

        Raises:
            MismatchError: name or joints differ.
        """
        if self.robot != robot.name:
            raise MismatchError(
                "params file", f"robot {self.robot!r}", repr(robot.name)
            )
        known = {robot.joint_names, robot.arm.joint_names}
        if robot.gripper is not None:
            known.add(robot.with_gripper().joint_names)
        if tuple(self.joints) not in known:
            raise MismatchError("params joints", self.joints, list(robot.joint_names))


def _check_param(name: str, param: Param, joints: int) -> None:
    kind, value = KINDS[name], np.array(param.value, dtype=np.float64)
    size = kind.size or joints
    if value.shape != (size,):
        raise ValueError(f"{name} needs {size} values, got {value.size}")
    if param.unit != kind.unit:
        raise ValueError(f"{name} is in {kind.unit}, not {param.unit}")
    if not (np.isfinite(value).all() and (value >= kind.minimum).all()):
        raise ValueError(f"{name} must be finite and at least {kind.minimum:g}")
    if (value > kind.maximum).any():
        raise ValueError(f"{name} must be at most {kind.maximum:g} {kind.unit}")
    if isinstance(param.provenance, list) and len(param.provenance) != size:
        raise ValueError(f"{name} needs {size} provenances")
    if param.std is not None and (
        len(param.std) != size or not all(np.isfinite(s) and s >= 0 for s in param.std)
    ):
        raise ValueError(f"{name} needs {size} finite standard deviations")


def nominal_values(robot: RobotSpec) -> dict[str, NDArray[np.float64]]:
    """Return the nominal value of every parameter of ``robot``."""
    from_spec = {
        "kp",
        "kv",
        "armature",
        "viscous",
        "coulomb",
        "load_friction",
        "encoder_step",
    }
    return {
        name: robot.vector(name)
        if name in from_spec
        else np.full(kind.size or robot.n, kind.default)
        for name, kind in KINDS.items()
    }


def make_params(
    robot: RobotSpec,
    values: dict[str, Any],
    provenance: dict[str, Provenance | list[Provenance]] | None = None,
    std: dict[str, Any] | None = None,
    **rest: Any,
) -> Params:
    """Build :class:`Params` from arrays by name.

    Args:
        robot: the arm the values belong to.
        values: arrays of shape (n,) or the parameter's size.
        provenance: per parameter; ``guess`` where missing.
        std: standard deviations per parameter, same shapes.
        rest: further fields of :class:`Params`.

    Raises:
        UnknownNameError: a parameter does not exist.
    """
    for name in values:
        if name not in KINDS:
            raise UnknownNameError("parameter", name, KINDS)
    params = {
        name: Param(
            value=np.atleast_1d(value).astype(float).tolist(),
            unit=KINDS[name].unit,
            provenance=(provenance or {}).get(name, "guess"),
            std=np.atleast_1d(std[name]).tolist() if std and name in std else None,
        )
        for name, value in values.items()
    }
    return Params(
        robot=robot.name, joints=list(robot.joint_names), params=params, **rest
    )


def load_params(path: str | Path, robot: RobotSpec) -> Params:
    """Read ``params.yaml`` for ``robot``.

    Raises:
        FileError: the file is missing, corrupt, holds NaN or another robot's values.
    """
    params = read_model(path, Params)
    try:
        params.check_robot(robot)
    except MismatchError as error:
        raise FileError(path, str(error)) from error
    return params


def save_params(path: str | Path, params: Params) -> None:
    """Write ``params.yaml`` atomically; ``load_params`` returns the same values."""
    write_yaml(path, params)
