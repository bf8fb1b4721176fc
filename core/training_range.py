"""What a policy sensed while it was trained, as quantiles of every element."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

SERVO = "servo_error"
"""Measured minus last commanded joint position, plus the servo's lag times the measured
velocity [rad]: load, friction, offset and servo show in it, while a closed loop keeps
every position itself where it always was."""

PROBABILITIES = (0.0, 0.001, 0.01, 0.5, 0.99, 0.999, 1.0)


class TrainingRange(BaseModel):
    """Quantiles over all control steps of many episodes of the finished policy."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: int = Field(gt=0)
    """Control steps looked at."""
    probabilities: list[float] = Field(min_length=2)
    """Of the quantiles, rising from 0 (the smallest) to 1 (the largest value)."""
    quantiles: dict[str, list[list[float]]]
    """For each input, and for ``servo_error``: one list per element."""
    lag: list[float] | None = None
    """What the servo error counts with, per joint [s]."""

    @model_validator(mode="after")
    def _check(self) -> TrainingRange:
        p = self.probabilities
        if p != sorted(set(p)) or (p[0], p[-1]) != (0.0, 1.0):
            raise ValueError("probabilities must rise from 0 to 1")
        for name, elements in self.quantiles.items():
            if any(len(q) != len(p) or q != sorted(q) for q in elements):
                raise ValueError(f"{name}: {len(p)} rising quantiles per element")
        if (SERVO in self.quantiles) != (self.lag is not None):
            raise ValueError("servo_error and lag go together")
        return self

    def at(self, name: str, probability: float) -> NDArray[np.float64]:
        """Return a quantile of every element of ``name``, (size,)."""
        values = np.array(self.quantiles[name])
        return np.array([np.interp(probability, self.probabilities, v) for v in values])


def servo_error(
    joint_pos: NDArray[np.floating],
    previous_command: NDArray[np.floating],
    joint_vel: NDArray[np.floating],
    lag: NDArray[np.floating],
) -> NDArray[np.floating]:
    """Return what is left of the tracking error without the servo's lag [rad].

    Args:
        joint_pos: measured [rad], (..., n).
        previous_command: last command [rad], (..., n).
        joint_vel: measured [rad/s], (..., n).
        lag: of each joint [s], (n,).
    """
    return joint_pos - previous_command + lag * joint_vel


SERVO_NEEDS = ("joint_pos", "previous_command", "joint_vel")
"""Inputs that the servo error is made of."""
