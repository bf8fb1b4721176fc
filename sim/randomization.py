"""Randomization as values: which parameter follows which distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.params import KINDS

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """A uniform draw per value that scales, shifts or replaces the nominal one."""

    low: float
    """Smallest draw."""
    high: float
    """Largest draw."""
    mode: Literal["scale", "add", "set"] = "scale"
    """What the draw does to the nominal value."""
    shared: bool = False
    """One draw for all joints instead of one each."""

    def __post_init__(self) -> None:
        """Refuse a range that is empty or not finite.

        Raises:
            LimitError: ``low`` is above ``high`` or a bound is not finite.
        """
        if not (np.isfinite([self.low, self.high]).all() and self.low <= self.high):
            raise LimitError(f"range [{self.low}, {self.high}] must be finite, ordered")

    def sample(self, rng: np.random.Generator, nominal: Floats) -> Floats:
        """Draw values around ``nominal`` (size,)."""
        draw = rng.uniform(self.low, self.high, 1 if self.shared else nominal.shape)
        if self.mode == "scale":
            return np.asarray(nominal * draw)
        return np.asarray(nominal + draw if self.mode == "add" else 0 * nominal + draw)


@dataclass(frozen=True)
class Randomization:
    """Which parameters vary from episode to episode, and how."""

    terms: Mapping[str, Uniform] = field(default_factory=dict)
    """Distribution by parameter name."""

    def __post_init__(self) -> None:
        """Refuse parameters that do not exist and ranges that are not physical.

        Raises:
            UnknownNameError: a parameter does not exist.
            LimitError: a range reaches outside what is physical.
        """
        for name, term in self.terms.items():
            if name not in KINDS:
                raise UnknownNameError("parameter", name, KINDS)
            kind = KINDS[name]
            if term.mode == "set" and (
                term.low < kind.minimum or term.high > kind.maximum
            ):
                raise LimitError(
                    f"{name}: [{term.low}, {term.high}] must lie in "
                    f"[{kind.minimum:g}, {kind.maximum:g}] {kind.unit}"
                )
            if term.mode == "scale" and term.low < 0:
                raise LimitError(f"{name}: a scale must not be negative ({term.low})")

    def sample(
        self, rng: np.random.Generator, nominal: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Draw one set of values; only the randomized parameters are returned."""
        return {
            name: np.clip(
                term.sample(rng, nominal[name]),
                KINDS[name].minimum,
                KINDS[name].maximum,
            )
            for name, term in self.terms.items()
        }

    def describe(self) -> dict[str, str]:
        """Return each term in one line, for the contract and the audit."""
        sign = {"scale": "x", "add": "+", "set": "="}
        return {
            name: f"{sign[t.mode]}U({t.low:g}, {t.high:g}) {KINDS[name].unit}"
            for name, t in self.terms.items()
        }


NOISE = {
    "encoder_noise": Uniform(low=0.0, high=2e-4, mode="set", shared=True),
    "velocity_noise": Uniform(low=0.0, high=5e-3, mode="set", shared=True),
}

PRESETS: dict[str, Randomization] = {
    "none": Randomization(),
    "light": Randomization(
        {
            "link_mass_scale": Uniform(low=0.95, high=1.05),
            "payload_mass": Uniform(low=0.0, high=0.5, mode="set"),
            "armature": Uniform(low=0.8, high=1.2),
            "viscous": Uniform(low=0.5, high=1.5),
            "coulomb": Uniform(low=0.5, high=1.5),
            "kp": Uniform(low=0.9, high=1.1),
            "kv": Uniform(low=0.9, high=1.1),
            "command_delay": Uniform(low=0.0, high=0.02, mode="set"),
            "sensor_delay": Uniform(low=0.0, high=0.01, mode="set"),
            **NOISE,
        }
    ),
    "wide": Randomization(
        {
            "link_mass_scale": Uniform(low=0.85, high=1.15),
            "payload_mass": Uniform(low=0.0, high=2.0, mode="set"),
            "payload_com": Uniform(low=-0.05, high=0.05, mode="set"),
            "armature": Uniform(low=0.5, high=2.0),
            "viscous": Uniform(low=0.2, high=3.0),
            "coulomb": Uniform(low=0.2, high=3.0),
            "kp": Uniform(low=0.7, high=1.3),
            "kv": Uniform(low=0.7, high=1.3),
            "torque_scale": Uniform(low=0.9, high=1.1),
            "command_delay": Uniform(low=0.0, high=0.06, mode="set"),
            "sensor_delay": Uniform(low=0.0, high=0.03, mode="set"),
            "encoder_offset": Uniform(low=-2e-3, high=2e-3, mode="set"),
            "base_tilt": Uniform(low=-0.02, high=0.02, mode="set"),
            **NOISE,
        }
    ),
}
"""Named: ``none``, ``light`` for a known arm, ``wide`` for an unknown one."""


def get_randomization(name: str) -> Randomization:
    """Return a preset.

    Raises:
        UnknownNameError: there is no such preset.
    """
    if name not in PRESETS:
        raise UnknownNameError("randomization", name, PRESETS)
    return PRESETS[name]
