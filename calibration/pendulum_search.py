"""Search of a servo's numbers over whole logs: what is free, how, and how well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.log import Floats
from forearm.core.robot import RobotSpec

from .evolve import evolve
from .pendulum import Bench

START = {
    "kp": (1.0, 0.2),
    "kv": (1.0, 0.4),
    "armature": (1.5, 0.3),
    "viscous": (0.008, 0.5),
    "coulomb": (0.012, 0.5),
    "command_delay": (0.004, 0.004),
    "encoder_offset": (0.0, 0.005),
    "load_friction": (0.2, 0.5),
    "load_quadratic": (0.1, 0.7),
    "stribeck": (0.01, 0.7),
    "effort": (0.6, 0.4),
}
"""Centre and width of the search. Of kp, kv, armature and effort the centre is a factor
on nominal; widths are of the logarithm but for delay [s] and offset [rad]."""

RELATIVE = ("kp", "kv", "armature", "effort")

LINEAR = ("command_delay", "encoder_offset")

SHARED = tuple(START)[:7]
"""What every friction law has."""

STRIBECK_VELOCITY = 0.3
"""Held: no log says it beside the rest [rad/s]."""

GENERATIONS, POPULATION, SEED = 160, 32, 0
"""Effort of one search: other seeds then find the same error to 0.1 mrad."""

WIDE = 0.25
"""Prior: a whole width from the centre costs this part of the error. Leaving out one
trajectory after the other, the error on it is 55, 51, 46, 43 and 41 mrad with 0.03,
0.06, 0.12, 0.25 and 0.5; fitted at one P gain, that at the other is best with 0.25."""


class Search:
    """One friction law: what is free and how numbers of order one become values."""

    def __init__(self, robot: RobotSpec, names: Sequence[str]) -> None:
        """Free ``names``, keys of :data:`START`; the rest is zero or unlimited."""
        self.names, self._robot = tuple(names), robot

    def values(self, x: Floats) -> dict[str, Floats]:
        """Return values (sets, 1) of ``x`` (sets, size)."""
        found = {}
        for i, name in enumerate(self.names):
            center, width = START[name]
            if name in RELATIVE:
                center = center * float(self._robot.vector(name)[0])
            linear = name in LINEAR
            value = (
                center + width * x[:, i] if linear else center * np.exp(width * x[:, i])
            )
            found[name] = np.maximum(value, 0.0) if name == "command_delay" else value
        if "stribeck" in found:
            found["stribeck_velocity"] = np.full(len(x), STRIBECK_VELOCITY)
        return {name: value[:, None] for name, value in found.items()}

    def fit(self, bench: Bench) -> tuple[Floats, float]:
        """Return the best numbers and the mean error over the bench's logs [rad]."""

        def cost(x: Floats) -> Floats:
            return weighed(bench.errors(self.values(x)).mean(axis=1), x, WIDE)

        rng = np.random.default_rng(SEED)
        best = evolve(cost, len(self.names), GENERATIONS, POPULATION, rng)
        return best, float(bench.errors(self.values(best[None])).mean())


def weighed(error: Floats, x: Floats, wide: float) -> Floats:
    """Return the cost of numbers ``x`` (sets, size) that leave ``error`` (sets,).

    Args:
        error: in any unit.
        x: numbers of order one.
        wide: part of the error that a whole width from the centre costs.
    """
    return np.asarray(error * (1 + wide * (x**2).mean(axis=1)))
