"""What the logs cannot tell, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forearm.core.inertia import COORDINATES
from forearm.core.log import EffortUnit, Floats
from forearm.core.robot import RobotSpec

from .chain import Chain
from .effort_model import Model
from .motion import Flags, Motion
from .natural import jacobian, natural
from .verdict import listed

RANK = 1e-6
"""Singular values below this part of the largest are null."""

TIED = 0.95
"""Correlation from which on two terms are known in combination only."""

LOOSE = 0.1
"""Terms known better than this part of themselves are known well enough."""

LOAD = "record one with a known load"

SPEEDS = "record slow and fast sweeps of this joint"

WORDS = {
    "mass": ("link_log_mass",),
    "centre of mass": ("link_shift_x", "link_shift_y", "link_shift_z"),
    "inertia": COORDINATES[:3] + COORDINATES[4:7],
}
"""What the coordinates of a link are called."""


NO_SCALE = (
    "drive gain and link mass cannot be told apart from these logs: all gains, "
    "frictions and masses could be larger by one factor; record one with a known load"
)
"""What currents leave open."""


def rank(motions: Sequence[Motion]) -> tuple[int, int]:
    """Return the rank of the inertials' regressor and its columns."""
    count = motions[0].regressor.shape[2] * 10
    gram = np.zeros((count, count))
    for motion in motions:
        for j in range(motion.regressor.shape[1]):
            rows = motion.regressor[motion.moving[:, j], j].reshape(-1, count)
            gram += rows.T @ rows
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-30))
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram / np.outer(scale, scale)), 0))
    seen = np.diag(gram) > 1e-12 * np.diag(gram).max()
    return int((values > RANK * values[-1]).sum() - (~seen).sum()), count


def unknown_directions(
    robot: RobotSpec,
    chain: Chain,
    motions: Sequence[Motion],
    known: Flags,
    unit: EffortUnit,
) -> list[str]:
    """Return what stays at its prior, in sentences.

    Args:
        robot: the arm.
        chain: the arm as the model has it.
        motions: training logs.
        known: which unknowns the logs have narrowed down.
        unit: unit of the effort.
    """
    out = []
    if unit == "A":
        out.append(NO_SCALE)
    got, columns = rank(motions)
    out.append(
        f"of {columns} link inertials {got} combinations act on the joints at all in "
        "these logs; the rest keeps the data sheet's values"
    )
    out += _links(robot, known[: 10 * chain.n].reshape(chain.n, 10))
    still = ~np.any([m.moving.mean(axis=0) > 0.01 for m in motions], axis=0)
    for joint in np.array(robot.joint_names)[still]:
        out.append(f"{joint} does not move in these logs, so nothing of it is known")
    return out


def _links(robot: RobotSpec, known: Flags) -> list[str]:
    """Return which links keep the data sheet's values, links that are alike together.

    Args:
        robot: the arm.
        known: which coordinates the logs have narrowed down, (n, 10).
    """
    joints: dict[str, list[str]] = {}
    for joint, row in zip(robot.joint_names, known, strict=True):
        missing = [
            word
            for word, names in WORDS.items()
            if not any(row[COORDINATES.index(name)] for name in names)
        ]
        if missing:
            joints.setdefault(listed(missing), []).append(joint)
    return [
        f"{words} of the link{'s' if len(names) > 1 else ''} behind "
        f"{listed(names, len(names))} stay at the data sheet's values (guess): the "
        "efforts in these logs fit as well with them"
        for words, names in joints.items()
    ]


def together(robot: RobotSpec, model: Model, spread: Floats) -> list[str]:
    """Return the terms of one joint that only show in combination, in sentences.

    Args:
        robot: the arm.
        model: the fit.
        spread: covariance of its vector, (size, size).
    """
    turn, values, n = jacobian(model), natural(model), robot.n
    matrix = turn @ spread @ turn.T
    width = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    relation = np.abs(matrix / np.outer(width, width))
    wide = width > LOOSE * np.abs(values)
    out = []
    for j, terms in enumerate(model.setup.terms):
        place = model.setup.place(j)
        index = [10 * n + j, *range(place.start, place.stop)]
        names = ["drive_gain", *terms]
        tied = relation[np.ix_(index, index)] > TIED
        loose = np.outer(wide[index], wide[index])
        pairs = np.argwhere(np.triu(tied & loose, 1)).ravel()
        group = [names[k].replace("_", " ") for k in sorted(set(pairs.tolist()))]
        group = [name for name in group if "ripple" not in name]
        if len(group) > 1:
            out.append(
                f"{listed(group, len(group))} of {robot.joint_names[j]} cannot be told "
                "apart from these logs: only their sum at the recorded speeds and "
                "loads is known; " + (LOAD if "drive gain" in group else SPEEDS)
            )
    return out
