"""Unknowns: the vector that is fitted, its priors and its bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats
from forearm.core.params import KINDS, nominal_values
from forearm.core.robot import RobotSpec

PRIOR = {
    "kp": 1.0,
    "kv": 1.0,
    "armature": 1.5,
    "viscous": 1.5,
    "coulomb": 1.5,
}
"""Standard deviation of the logarithm: what a nominal guess is worth."""

DELAY_PRIOR = 0.05
"""Standard deviation of the command delay before any log [s]."""

RANGE = 4.0
"""Bounds of a logarithm around nominal (a factor of 55)."""

STEP, DELAY_STEP = 3e-3, 1e-4
"""Finite-difference steps of a logarithm and of the delay [s]."""

LEAST = 1e-3
"""Stands in for a nominal value of zero, which has no logarithm."""


class Unknowns:
    """Logarithms of the per-joint parameters, then the shared command delay [s]."""

    def __init__(self, robot: RobotSpec) -> None:
        """Take the nominal values of ``robot`` as the centre of the prior."""
        self.robot = robot
        self._nominal = nominal_values(robot)
        logs = [np.log(np.maximum(self._nominal[name], LEAST)) for name in PRIOR]
        self.center = np.append(np.concatenate(logs), self._nominal["command_delay"])
        self.prior = np.append(np.repeat([*PRIOR.values()], robot.n), DELAY_PRIOR)
        self.step = np.append(np.full(self.size - 1, STEP), DELAY_STEP)
        self.low, self.high = self.center - RANGE, self.center + RANGE
        self.low[-1], self.high[-1] = 0.0, KINDS["command_delay"].maximum

    @property
    def size(self) -> int:
        """How many numbers are fitted."""
        return len(self.center)

    def labels(self) -> list[str]:
        """Return ``param[index]`` of every number."""
        return [f"{name}[{j}]" for name, j in self._places()]

    def titles(self) -> list[str]:
        """Return every number in words, with the joint's name."""
        names = self.robot.joint_names
        joints = [f"{name} of {names[j]}" for name, j in self._places()]
        return [*joints[:-1], "command_delay"]

    def _places(self) -> Iterator[tuple[str, int]]:
        for name in PRIOR:
            for j in range(self.robot.n):
                yield name, j
        yield "command_delay", 0

    def of_joint(self, joint: int) -> NDArray[np.bool_]:
        """Return which numbers belong to one joint alone."""
        places = [j == joint and n != "command_delay" for n, j in self._places()]
        return np.array(places)

    def vector(self, values: Mapping[str, Floats]) -> Floats:
        """Return the vector of parameter ``values``, within the bounds."""
        logs = [np.log(np.maximum(values[name], 1e-12)) for name in PRIOR]
        vector = np.append(np.concatenate(logs), values["command_delay"])
        return np.asarray(np.clip(vector, self.low, self.high))

    def values(self, vector: Floats) -> dict[str, Floats]:
        """Return parameter values by name, (size,) each."""
        parts = np.exp(vector[:-1]).reshape(len(PRIOR), self.robot.n)
        found = dict(zip(PRIOR, parts, strict=True))
        # A nominal zero that was not moved stays zero.
        for name, value in found.items():
            zero = (self._nominal[name] == 0) & np.isclose(value, LEAST)
            found[name] = np.where(zero, 0.0, value)
        return {**found, "command_delay": vector[-1:]}

    def natural(self, vector: Floats) -> Floats:
        """Return the derivative of each value by its number in the vector."""
        return np.asarray(np.append(np.exp(vector[:-1]), 1.0))
