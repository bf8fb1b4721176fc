"""Unknowns: the vector that is fitted, as named blocks with priors and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats
from forearm.core.params import KINDS, nominal_values
from forearm.core.robot import RobotSpec

MOMENT = "payload_moment"
"""Mass times centre of mass of the payload [kg m]: the motion is linear in it."""

LEAST = 1e-3
"""Stands in for a nominal value of zero, which has no logarithm."""


@dataclass(frozen=True)
class Block:
    """One parameter: how its numbers enter the vector and what is known before."""

    name: str
    """Parameter in :data:`forearm.core.params.KINDS`, or :data:`MOMENT`."""
    prior: float
    """Standard deviation before any log, in the scale of the vector."""
    step: float
    """Finite-difference step, same scale."""
    log: bool = False
    """Whether the vector holds the logarithm of the value over nominal."""
    words: str = ""
    """What the number is called in a sentence; the name where empty."""

    def size(self, n: int) -> int:
        """Return how many numbers the block has on an arm of ``n`` joints."""
        return 3 if self.name == MOMENT else KINDS[self.name].size or n

    @property
    def of_joints(self) -> bool:
        """Whether each joint has its own number."""
        return self.name != MOMENT and KINDS[self.name].size == 0

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest number in the scale of the vector."""
        if self.log:
            return -RANGE, RANGE
        if self.name == MOMENT:
            return -np.inf, np.inf
        return KINDS[self.name].minimum, KINDS[self.name].maximum


LEAST_PART = 0.2
"""A step leaves at least this part of a value that cannot be zero."""

RANGE = 4.0
"""Bounds of a logarithm around nominal (a factor of 55)."""

BLOCKS: dict[str, Block] = {
    b.name: b
    for b in (
        # What a published or guessed nominal is worth: a factor e or two.
        Block("kp", 1.0, 3e-3, log=True),
        Block("kv", 1.0, 3e-3, log=True),
        Block("armature", 1.5, 3e-3, log=True),
        Block("viscous", 1.5, 3e-3, log=True),
        Block("coulomb", 1.5, 3e-3, log=True),
        # Harmonic drives lose 5 to 20 % of what they transmit.
        Block("load_friction", 0.1, 2e-3, words="load-dependent friction"),
        Block("stribeck", 1.0, 1e-2, words="Stribeck friction"),
        Block("encoder_offset", 0.01, 1e-4, words="encoder offset"),
        Block("command_delay", 0.05, 1e-4, words="command delay"),
        Block("payload_mass", 2.0, 5e-3, words="payload mass"),
        Block(MOMENT, 0.2, 1e-3, words="payload mass times centre of mass"),
        # A base bolted down by hand: within a few degrees.
        Block("base_tilt", 0.05, 5e-4, words="base tilt"),
    )
}
"""Every unknown there may be, in the order of the vector."""

SERVO = ("kp", "kv", "armature", "viscous", "coulomb", "command_delay")
"""What every log with commands is fitted for."""

SCALED = ("stribeck", "payload_mass", MOMENT)
"""Blocks whose prior and step follow the arm's size."""


class Unknowns:
    """Numbers of the chosen blocks in one vector, and the values they stand for."""

    def __init__(self, robot: RobotSpec, names: Sequence[str] = SERVO) -> None:
        """Take the nominal values of ``robot`` as the centre of the prior.

        Args:
            robot: the arm.
            names: blocks that are fitted, keys of :data:`BLOCKS`; the rest stays
                nominal.
        """
        self.robot = robot
        self.names = tuple(name for name in BLOCKS if name in names)
        self._nominal = nominal_values(robot)
        sizes = [BLOCKS[name].size(robot.n) for name in self.names]
        ends = np.cumsum([0, *sizes])
        self.places = {
            name: slice(int(low), int(high))
            for name, low, high in zip(self.names, ends[:-1], ends[1:], strict=True)
        }
        """Where each block sits in the vector."""
        self.center = np.concatenate([self._start(name) for name in self.names])
        self.prior = self._spread("prior")
        self.step = self._spread("step")
        self.low, self.high = self._limits()

    def _start(self, name: str) -> Floats:
        if name == MOMENT:
            return np.zeros(3)
        value = self._nominal[name]
        return np.log(np.maximum(value, LEAST)) if BLOCKS[name].log else value.copy()

    def _spread(self, what: str) -> Floats:
        found = np.empty(self.size)
        for name, place in self.places.items():
            scale: Floats | float = 1.0
            if name == "stribeck":
                scale = np.maximum(self._nominal["coulomb"], LEAST)
            elif name in SCALED:
                scale = max(self.robot.payload_limit, LEAST) / 5.0
            found[place] = getattr(BLOCKS[name], what) * scale
        return found

    def _limits(self) -> tuple[Floats, Floats]:
        low, high = np.empty(self.size), np.empty(self.size)
        for name, place in self.places.items():
            shift = self.center[place] if BLOCKS[name].log else 0.0
            low[place] = shift + BLOCKS[name].limits[0]
            high[place] = shift + BLOCKS[name].limits[1]
        return low, high

    @property
    def size(self) -> int:
        """How many numbers are fitted."""
        return sum(BLOCKS[name].size(self.robot.n) for name in self.names)

    def labels(self) -> list[str]:
        """Return ``param[index]`` of every number."""
        return [f"{name}[{j}]" for name, j in self._each()]

    def titles(self) -> list[str]:
        """Return every number in words, with the joint's name."""
        return [_title(self.robot, name, j) for name, j in self._each()]

    def _each(self) -> Iterator[tuple[str, int]]:
        for name, place in self.places.items():
            for j in range(place.stop - place.start):
                yield name, j

    def of_joint(self, joint: int) -> NDArray[np.bool_]:
        """Return which numbers belong to one joint alone."""
        return np.array([BLOCKS[k].of_joints and j == joint for k, j in self._each()])

    def vector(self, values: Mapping[str, Floats]) -> Floats:
        """Return the vector of parameter ``values``, within the bounds.

        A block that ``values`` does not name keeps its nominal numbers.
        """
        vector = self.center.copy()
        for name, place in self.places.items():
            if name == MOMENT and "payload_com" in values:
                mass = values.get("payload_mass", self._nominal["payload_mass"])
                vector[place] = mass * values["payload_com"]
            elif name in values:
                value = values[name]
                log = BLOCKS[name].log
                vector[place] = np.log(np.maximum(value, 1e-12)) if log else value
        return np.asarray(np.clip(vector, self.low, self.high))

    def values(self, vector: Floats) -> dict[str, Floats]:
        """Return the parameter values of the blocks by name, (size,) each."""
        found: dict[str, Floats] = {}
        for name, place in self.places.items():
            part = vector[place].copy()
            if BLOCKS[name].log:
                part = np.exp(part)
                # A nominal zero that was not moved stays zero.
                zero = (self._nominal[name] == 0) & np.isclose(part, LEAST)
                part = np.where(zero, 0.0, part)
            found[name] = part
        if MOMENT in found:
            mass = found.get("payload_mass", self._nominal["payload_mass"])
            moment = found.pop(MOMENT)
            com = moment / np.maximum(mass, 1e-3)
            found["payload_com"] = np.clip(com, *_com_range())
        return found

    def moved(self, vector: Floats, step: Floats) -> Floats:
        """Return ``vector`` after ``step``, both (size,), as :meth:`feasible` has it.

        Torques are linear in a value, not in its logarithm: a step from far below is
        many times too long for the logarithm, one from above too short. So the value
        moves by the part of itself that the step says.
        """
        found = vector + step
        for name, place in self.places.items():
            if BLOCKS[name].log:
                part = np.maximum(step[place], LEAST_PART - 1.0)
                found[place] = vector[place] + np.log1p(part)
        return self.feasible(np.clip(found, self.low, self.high))

    def feasible(self, vector: Floats) -> Floats:
        """Return ``vector`` with a payload's moment that its mass can have.

        Without it a mass of zero would keep a moment, which would put any mass that is
        tried next at the end of the range: the fit could never take up a load again.
        """
        if MOMENT not in self.places:
            return vector
        found = vector.copy()
        mass = self._nominal["payload_mass"]
        if "payload_mass" in self.places:
            mass = found[self.places["payload_mass"]]
        low, high = _com_range()
        place = self.places[MOMENT]
        found[place] = np.clip(found[place], low * mass, high * mass)
        return found

    def natural(self, vector: Floats) -> tuple[list[str], Floats]:
        """Return value names ``param[index]`` and their slopes by the vector.

        Slopes are (size, size): a row per value, a column per number.
        """
        slopes = np.eye(self.size)
        labels = self.labels()
        for name, place in self.places.items():
            if BLOCKS[name].log:
                slopes[place, place] = np.diag(np.exp(vector[place]))
            if name == MOMENT:
                mass = vector[self.places["payload_mass"]]
                safe = max(float(mass[0]), 1e-3)
                slopes[place, place] = np.eye(3) / safe
                column = self.places["payload_mass"].start
                slopes[place, column] = -vector[place] / safe**2
                labels[place] = [f"payload_com[{j}]" for j in range(3)]
        return labels, slopes


def _com_range() -> tuple[float, float]:
    return KINDS["payload_com"].minimum, KINDS["payload_com"].maximum


def _title(robot: RobotSpec, name: str, index: int) -> str:
    block = BLOCKS[name]
    words = block.words or name
    if block.of_joints:
        return f"{words} of {robot.joint_names[index]}"
    if name == "base_tilt":
        return f"{words} ({('roll', 'pitch')[index]})"
    return f"{words} ({'xyz'[index]})" if name == MOMENT else words
