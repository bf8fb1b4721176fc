"""What can be randomized: the parameters of a params file and what only an episode has.

A params file (:data:`forearm.core.params.KINDS`) says what an arm *is*. What is added
here is how an episode departs from it: a surface that is more slippery, commands that
come late or never, a hand that pushes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import UnknownNameError
from forearm.core.params import KINDS, nominal_values
from forearm.core.robot import RobotSpec


@dataclass(frozen=True)
class Quantity:
    """One named number, or several, of a simulated episode."""

    width: int
    """Values per joint if ``per_joint``, else values altogether."""
    per_joint: bool
    """Every joint (or its link) has its own."""
    unit: str
    """SI unit."""
    minimum: float
    """Smallest physical value."""
    maximum: float
    """Largest physical value."""
    default: float
    """Value without randomization; a params file or the robot may say another."""
    meaning: str
    """One line."""

    def size(self, n: int) -> int:
        """Return the number of values for an arm with ``n`` joints."""
        return self.width * (n if self.per_joint else 1)

    @property
    def valid(self) -> str:
        """The valid interval with its unit, for messages."""
        return f"[{self.minimum:g}, {self.maximum:g}] {self.unit}"


EPISODE: dict[str, Quantity] = {
    "contact_friction": Quantity(
        1, False, "1", 0.01, 20.0, 1.0, "sliding friction of all surfaces, a factor"
    ),
    "command_jitter": Quantity(
        1, False, "s", 0.0, 0.1, 0.0, "mean of the extra delay drawn for each command"
    ),
    "command_drop": Quantity(
        1, False, "1", 0.0, 0.95, 0.0, "share of the commands that never arrive"
    ),
    "period_jitter": Quantity(
        1,
        False,
        "1",
        0.0,
        0.4,
        0.0,
        "half width of the control period's relative error",
    ),
    "push_force": Quantity(
        3, False, "N", -500.0, 500.0, 0.0, "force on the tool while a push lasts"
    ),
    "push_time": Quantity(
        1, False, "s", 0.0, 1.0, 0.1, "how long a push lasts, from its draw on"
    ),
}
"""Quantities of an episode that no params file holds."""

QUANTITIES: dict[str, Quantity] = {
    **{
        name: Quantity(
            kind.size or 1,
            kind.size == 0,
            kind.unit,
            kind.minimum,
            kind.maximum,
            kind.default,
            kind.meaning,
        )
        for name, kind in KINDS.items()
    },
    **EPISODE,
}
"""Everything that can be randomized, by name."""


def get_quantity(name: str) -> Quantity:
    """Return the quantity called ``name``.

    Raises:
        UnknownNameError: there is no such quantity; the message lists the valid names.
    """
    if name not in QUANTITIES:
        raise UnknownNameError("parameter", name, QUANTITIES)
    return QUANTITIES[name]


def all_nominal(robot: RobotSpec) -> dict[str, NDArray[np.float64]]:
    """Return the nominal value of every quantity for ``robot``, (size,) each."""
    episode = {name: np.full(q.size(robot.n), q.default) for name, q in EPISODE.items()}
    return {**nominal_values(robot), **episode}
