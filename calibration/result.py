"""Result: what one calibration found, for the report and for machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forearm.core.log import Floats
from forearm.core.params import Params
from forearm.core.robot import RobotSpec

from .finding import Finding
from .windows import Window

UNIT = "mrad"
"""Unit of the held-out position error."""


@dataclass(frozen=True)
class Result:
    """What calibration found."""

    robot: RobotSpec
    """The arm."""
    params: Params
    """Values with provenance, standard deviations and covariance."""
    before: float
    """Held-out open-loop position error of the nominal arm [mrad]."""
    after: float
    """The same of the calibrated arm [mrad]."""
    per_joint: dict[str, dict[str, float]]
    """By joint: before, after [mrad], effort_before, effort_after [Nm]."""
    findings: list[str]
    """What the logs lack and what was done about it, in sentences."""
    unidentifiable: list[str]
    """Parameters the logs say nothing about, in words."""
    held: list[Window]
    """Held-out windows."""
    simulated: list[Floats]
    """Per held-out window (nominal and calibrated, signal, sample, joint)."""
    seconds: float
    """Time it took [s]."""
    measure: str = "RMS of the position over 0.5 s open loop"
    """What ``before`` and ``after`` are."""
    horizons: list[dict[str, Any]] = field(default_factory=list)
    """Error against horizon: seconds, per_joint and tool, before and after."""
    noise_floor: dict[str, Any] = field(default_factory=dict)
    """Sensor noise: position by joint [mrad], tool [mm]; no fit can go below it."""
    per_log: dict[str, dict[str, float]] = field(default_factory=dict)
    """By held-out log: before, after."""
    friction: str = "coulomb + viscous"
    """Friction law the held-out part chose."""
    checks: list[Finding] = field(default_factory=list)
    """What the doctor found, with rows; ``findings`` says the same in sentences."""

    def as_json(self) -> dict[str, Any]:
        """Return the result for a machine, without the traces."""
        return {
            "held_out": {
                "before": self.before,
                "after": self.after,
                "unit": UNIT,
                "measure": self.measure,
                "per_joint": self.per_joint,
                "per_log": self.per_log,
                "horizons": self.horizons,
                "noise_floor": self.noise_floor,
            },
            "friction": self.friction,
            "seconds": self.seconds,
            "findings": self.findings,
            "unidentifiable": self.unidentifiable,
        }
