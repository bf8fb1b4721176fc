"""The parameters on the page: value, 90 % interval, nominal value, provenance."""

from __future__ import annotations

import numpy as np

from forearm.core.inertia import COORDINATES
from forearm.core.params import KINDS, Params, nominal_values
from forearm.core.robot import RobotSpec

from .page import Page
from .unknowns import BLOCKS

Z_90 = 1.6448536269514722
"""95 % quantile of the standard normal distribution."""

WORDS = {"measured": "fitted", "guess": "guess", "datasheet": "nominal"}
"""Provenance as the page calls it."""

FACTORS = frozenset({*(b.name for b in BLOCKS.values() if b.log), "drive_gain"})
"""Values whose uncertainty is a factor, not a sum."""

AXES = {"payload_com": "xyz", "base_tilt": ("roll", "pitch")}
"""What the numbers of a value that has several are called."""


def interval(name: str, value: float, std: float) -> tuple[float, float]:
    """Return the 90 % interval of a value, inside what is physical.

    Args:
        name: key of :data:`forearm.core.params.KINDS`.
        value: in its unit.
        std: its standard deviation, same unit.
    """
    if name in FACTORS and value > 0:
        size = float(np.exp(min(Z_90 * std / value, 50.0)))
        return value / size, value * size
    kind = KINDS[name]
    low, high = value - Z_90 * std, value + Z_90 * std
    return max(low, kind.minimum), min(high, kind.maximum)


def add_parameters(page: Page, robot: RobotSpec, params: Params) -> None:
    """Add the section with every value of the params file."""
    page.section(
        "parameters",
        "Parameters",
        "Fitted: the logs say it. Guess: the logs do not; the value is the prior's and "
        "the interval is the prior's width. The interval holds 90 % of the fits to one "
        "more log of the same kind. Nominal is the robot's own value.",
    )
    header = ["parameter", "joint", "value", "90 % interval", "nominal", "unit", "from"]
    rows = [row for name in params.params for row in _rows(robot, params, name)]
    links = [row for row in rows if row[0] in COORDINATES]
    page.table(header, [row for row in rows if row[0] not in COORDINATES])
    if links:
        page.table(
            header,
            links,
            folded=f"{len(links)} coordinates of the link inertials, 0 for the data "
            "sheet's link",
        )
    rest = [name for name in BLOCKS if name in KINDS and name not in params.params]
    if rest:
        page.note(f"Not fitted here, so nominal: {', '.join(rest)}.")
    page.table(
        ["parameter", "meaning"],
        [[name, KINDS[name].meaning] for name in params.params],
        folded="What the parameters mean",
    )


def _rows(robot: RobotSpec, params: Params, name: str) -> list[list[str]]:
    param, nominal = params.params[name], nominal_values(robot)[name]
    found = []
    for i, value in enumerate(param.value):
        origin = param.provenance
        said = WORDS[origin if isinstance(origin, str) else origin[i]]
        std = param.std[i] if param.std else 0.0
        low, high = interval(name, value, std)
        usual = nominal[i] if i < len(nominal) else np.nan
        found.append(
            [
                name,
                _place(robot, name, i),
                f"{value:.4g}",
                f"{low:.4g} … {high:.4g}" if std > 0 else "",
                f"{usual:.4g}",
                param.unit,
                said,
            ]
        )
    return found


def _place(robot: RobotSpec, name: str, i: int) -> str:
    if KINDS[name].size == 0:
        return robot.joint_names[i]
    return AXES[name][i] if name in AXES else "all"
