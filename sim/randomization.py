"""Randomization: which quantities vary between and within episodes, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from forearm.core.errors import LimitError, MismatchError
from forearm.core.robot import RobotSpec

from .distribution import Floats
from .posterior import Posterior
from .quantities import QUANTITIES, all_nominal, get_quantity
from .terms import Absolute, Multiplicative, Term

Side = Literal["low", "high"]
"""Which end of a range."""

Width = Mapping[tuple[str, Side], float]
"""Share of each side of each quantity that is in use, in [0, 1]; 1 where missing."""


@dataclass(frozen=True)
class Randomization:
    """Independent terms, and a posterior for what is known together."""

    terms: Mapping[str, Term] = field(default_factory=dict)
    """Term by quantity."""
    posterior: Posterior | None = None
    """Correlated draws of quantities that have no term."""
    name: str = "custom"
    """Preset or file it comes from."""
    robot: str | None = None
    """The only arm it is meant for, if any."""
    width: Width = field(default_factory=dict)
    """How much of each quantity is in use: what a curriculum widens."""

    def __post_init__(self) -> None:
        """Refuse what does not exist, what is said twice and what is not physical.

        Raises:
            UnknownNameError: a quantity does not exist.
            LimitError: a range reaches outside what is physical, a quantity stands
                among the terms and in the posterior, a width is not in [0, 1].
        """
        for name, term in self.terms.items():
            quantity = get_quantity(name)
            low, high = term.low, term.high
            if isinstance(term, Absolute) and not (
                quantity.minimum <= low and high <= quantity.maximum
            ):
                raise LimitError(f"{name}: {term} must lie in {quantity.valid}")
            if isinstance(term, Multiplicative) and low < 0:
                raise LimitError(f"{name}: a scale must not be negative ({low:g})")
        twice = set(self.terms) & set(self.posterior.places if self.posterior else ())
        if twice:
            raise LimitError(
                f"{', '.join(sorted(twice))}: both among the terms and in the "
                "posterior; remove one"
            )
        for key, width in self.width.items():
            if key[0] not in self.quantities or not 0 <= width <= 1:
                raise LimitError(f"width of {key[0]} must lie in [0, 1], got {width}")

    @property
    def quantities(self) -> tuple[str, ...]:
        """Every quantity that varies."""
        return (*self.terms, *(self.posterior.places if self.posterior else ()))

    @property
    def intervals(self) -> dict[str, float]:
        """Time between draws within an episode [s], of the terms that have one."""
        return {n: t.every for n, t in self.terms.items() if t.every is not None}

    def check(self, robot: RobotSpec, nominal: Mapping[str, Floats]) -> None:
        """Hold everything against one arm and its nominal values.

        Raises:
            MismatchError: it is meant for another arm.
            LimitError: a range is not physical there, or has too few numbers.
        """
        if self.robot is not None and self.robot != robot.name:
            raise MismatchError("randomization", f"robot {self.robot!r}", robot.name)
        complete = {**all_nominal(robot), **nominal}
        for name, term in self.terms.items():
            term.check(name, QUANTITIES[name], complete[name])
        if self.posterior is not None:
            self.posterior.check(complete)

    def sample(
        self, rng: np.random.Generator, nominal: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Draw one set of values (size,) each; only what varies is returned."""
        return {n: v[0] for n, v in self.sample_many([rng], nominal).items()}

    def sample_many(
        self,
        rngs: Sequence[np.random.Generator],
        nominal: Mapping[str, Floats],
        names: Sequence[str] | None = None,
    ) -> dict[str, Floats]:
        """Draw a set of values per generator, (k, size) each; only what varies.

        A generator gives all its uniform numbers at once, so that an episode's values
        do not depend on which others start with it.

        Args:
            rngs: one generator per episode, (k,).
            nominal: values by quantity, (size,) each.
            names: the terms to draw; all of them, and the posterior, if None.
        """
        chosen = list(self.terms if names is None else names)
        shapes = [self.terms[n].shape(len(nominal[n])) for n in chosen]
        total = sum(count * size for count, size in shapes)
        u = np.array([rng.random(total) for rng in rngs])
        values: dict[str, Floats] = {}
        start = 0
        for name, (count, size) in zip(chosen, shapes, strict=True):
            part = u[:, start : start + count * size].reshape(len(u), count, size)
            start += count * size
            drawn = self.terms[name].transform(part.swapaxes(0, 1), nominal[name])
            values[name] = self.narrowed(name, drawn, nominal[name])
        if self.posterior is not None and names is None:
            for name, drawn in self.posterior.sample_many(rngs, nominal).items():
                values[name] = self.narrowed(name, drawn, nominal[name])
        return values

    def narrowed(self, name: str, value: Floats, nominal: Floats) -> Floats:
        """Return draws of a quantity, moved towards nominal by its width in use."""
        if not self.width:
            return value
        low, high = (self.width.get((name, side), 1.0) for side in SIDES)
        change = value - nominal
        return nominal + np.where(change < 0, low, high) * change

    def widened(self, width: Width) -> Randomization:
        """Return the same randomization with another share of it in use."""
        return replace(self, width=dict(width))

    def describe(self) -> dict[str, str]:
        """Return each term in one line, for the contract and the audit."""
        lines = {n: f"{t} {QUANTITIES[n].unit}" for n, t in self.terms.items()}
        if self.posterior is not None:
            for name, (index, place) in self.posterior.places.items():
                spread = np.sqrt(np.diag(np.asarray(self.posterior.covariance))[place])
                lines[name] = (
                    f"posterior of {len(index)} values, std {spread.min():.3g} to "
                    f"{spread.max():.3g} {QUANTITIES[name].unit}"
                )
        return lines


SIDES: tuple[Side, Side] = ("low", "high")
"""Both ends of a range."""


def get_randomization(name: str, robot: RobotSpec | None = None) -> Randomization:
    """Return the preset or the content of the file called ``name``.

    Args:
        name: preset or file.
        robot: a preset asks no more of this arm than its maker does: no payload above
            the limit and no push above that payload's weight.

    Raises:
        UnknownNameError: there is neither such a preset nor such a file.
        FileError: the file cannot be used.
    """
    from .presets import PRESETS
    from .randomization_file import find_randomization

    found = find_randomization(name)
    return found if robot is None or name not in PRESETS else _fitted(found, robot)


def _fitted(found: Randomization, robot: RobotSpec) -> Randomization:
    from .distributions import Uniform
    from .fields import GRAVITY

    terms, payload = dict(found.terms), robot.payload_limit
    for name, most in (("payload_mass", payload), ("push_force", GRAVITY * payload)):
        term = terms.get(name)
        if term is not None and max(abs(term.low), abs(term.high)) > most:
            low, high = (min(max(end, -most), most) for end in (term.low, term.high))
            terms[name] = replace(term, distribution=Uniform(low, high))
    return replace(found, terms=terms)
