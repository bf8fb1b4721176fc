"""The model of a joint's effort: what is fitted, its priors, and how it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forearm.core.inertia import factor, inertials
from forearm.core.log import Floats

from .chain import Chain
from .ladder import POSITIVE, Law, columns
from .motion import Flags, Motion

GAIN_WIDTH = 0.3
"""Prior standard deviation of the logarithm of a drive gain around its first guess."""

LOAD_WIDTH = 0.1
"""Prior standard deviation of load-dependent friction: a gear loses some percent of
what it transmits. Joints that bear no load would else take any value."""


@dataclass(frozen=True)
class Setup:
    """What is fitted: the arm's nominal inertials, terms per joint and priors."""

    lower: Floats
    """Factors of the nominal pseudo-inertias, (n, 4, 4)."""
    welded: Floats
    """Inertials that are welded to each link and known, (n, 10)."""
    laws: tuple[Law, ...]
    """Friction law of each joint."""
    width: float
    """Prior standard deviation of the inertials' coordinates; 0 keeps nominal."""
    gain: Floats
    """Prior mean of the drive gains [Nm per effort unit], (n,)."""
    free_gain: bool
    """Whether drive gains are fitted (currents) or given (torques)."""

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.laws)

    @property
    def terms(self) -> list[tuple[str, ...]]:
        """Terms of each joint."""
        return [law.terms for law in self.laws]

    @property
    def size(self) -> int:
        """Number of unknowns: coordinates, log gains, terms joint by joint."""
        return 11 * self.n + sum(len(t) for t in self.terms)

    def place(self, joint: int) -> slice:
        """Return where the terms of a joint are in the vector."""
        start = 11 * self.n + sum(len(t) for t in self.terms[:joint])
        return slice(start, start + len(self.terms[joint]))

    @property
    def center(self) -> Floats:
        """Prior mean: nominal links, given gains, no friction, (size,)."""
        out = np.zeros(self.size)
        out[10 * self.n : 11 * self.n] = np.log(self.gain)
        return out

    def positive(self) -> Flags:
        """Return which unknowns may not be negative, (size,)."""
        names = [name for terms in self.terms for name in terms]
        return np.array([False] * (11 * self.n) + [n in POSITIVE for n in names])

    def prior(self) -> Floats:
        """Return the prior's information (one over variance), (size,)."""
        out = np.full(self.size, 1e-9)
        out[: 10 * self.n] = 1 / max(self.width, 1e-9) ** 2
        out[10 * self.n : 11 * self.n] = 1 / GAIN_WIDTH**2 if self.free_gain else 1e18
        for j, terms in enumerate(self.terms):
            if "load_friction" in terms:
                out[self.place(j).start + terms.index("load_friction")] = LOAD_WIDTH**-2
        return out


def setup_of(
    chain: Chain, laws: Sequence[Law], width: float, gain: Floats, free_gain: bool
) -> Setup:
    """Return a :class:`Setup` around the inertials of ``chain``."""
    lower = factor(chain.inertials)
    return Setup(lower, chain.welded, tuple(laws), width, gain, free_gain)


@dataclass(frozen=True)
class Model:
    """A fitted vector and how it predicts."""

    setup: Setup
    vector: Floats
    """Coordinates (10 n), log gains (n), terms."""

    @property
    def theta(self) -> Floats:
        """Coordinates of the link inertials, (n, 10)."""
        return self.vector[: 10 * self.setup.n].reshape(-1, 10)

    @property
    def gain(self) -> Floats:
        """Drive gains [Nm per effort unit], (n,)."""
        return np.exp(self.vector[10 * self.setup.n : 11 * self.setup.n])

    @property
    def inertials(self) -> Floats:
        """Ten numbers per link, (n, 10)."""
        return inertials(self.setup.lower, self.theta) + self.setup.welded

    def term(self, name: str) -> Floats:
        """Return one term of all joints in effort units, 0 where it is absent."""
        out = np.zeros(self.setup.n)
        for j, terms in enumerate(self.setup.terms):
            if name in terms:
                out[j] = self.vector[self.setup.place(j)][terms.index(name)]
        return out

    def predict(self, motion: Motion) -> Floats:
        """Return the effort, (T, n)."""
        rigid = motion.rigid(self.inertials) / self.gain
        for j, law in enumerate(self.setup.laws):
            table = columns(motion, j, law, rigid[:, j])
            rigid[:, j] += table @ self.vector[self.setup.place(j)]
        return rigid


def start_of(setup: Setup) -> Model:
    """Return the prior's mean."""
    return Model(setup, setup.center)


def carried(model: Model, setup: Setup) -> Model:
    """Return a model of another setup that starts where ``model`` ended."""
    vector = np.zeros(setup.size)
    vector[: 11 * setup.n] = model.vector[: 11 * setup.n]
    for j, terms in enumerate(setup.terms):
        vector[setup.place(j)] = [model.term(name)[j] for name in terms]
    return Model(setup, vector)
