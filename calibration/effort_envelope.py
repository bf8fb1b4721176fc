"""Whether measured efforts lie where the fitted intervals predict them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forearm.core.log import Floats

from .effort import EffortResult
from .effort_model import Model
from .motion import Motion
from .score import RARE, noise_floor

DRAWS = 64
"""Models drawn from the posterior."""

LEVEL = 0.9
"""Part of the efforts that is meant to lie inside."""

WIDE = 0.5
"""A range of this part of the RMS effort holds nearly anything."""

NOISE = 1.6448536269514722
"""95 % quantile of the standard normal distribution, for the sensors' own noise."""


@dataclass(frozen=True)
class EffortEnvelope:
    """The range of drawn models along the held-out logs."""

    low: list[Floats]
    """5 % quantile of the effort per held-out log, sensor noise added, (T, n)."""
    high: list[Floats]
    """95 % quantile per held-out log, sensor noise added, (T, n)."""
    inside: dict[str, float]
    """Part of the moving samples inside, by joint that moves."""
    width: dict[str, float]
    """Median width by joint as part of the joint's RMS effort."""

    def as_json(self) -> dict[str, Any]:
        """Return the parts inside and the relative widths for a machine."""
        return {"inside": self.inside, "relative_width": self.width}

    def findings(self) -> list[str]:
        """Return the joints the intervals explain too little or too much of."""
        said = [
            f"{joint}: the predicted range is {width:.0%} of the effort wide, so lying "
            "inside it says little; more logs narrow it"
            for joint, width in self.width.items()
            if width > WIDE
        ]
        return said + [
            f"{joint}: {part:.0%} of the efforts lie inside instead of {LEVEL:.0%}; "
            "what is left is no uncertainty of these numbers but an effect the model "
            "lacks (a gear's ripple, friction that warms up)"
            for joint, part in self.inside.items()
            if part < LEVEL - 0.1
        ]


def effort_envelope(result: EffortResult, rng: np.random.Generator) -> EffortEnvelope:
    """Predict the held-out efforts under draws of the fit's covariance.

    Args:
        result: the calibration.
        rng: of the draws.
    """
    draws = _draws(result, rng)
    level = noise_floor(result.held) / 100
    low, high, inside, moving = [], [], [], []
    for motion in result.held:
        rows = np.stack([model.predict(motion) for model in draws])
        noise = NOISE * np.nan_to_num(level) * _size([motion])
        low.append(np.quantile(rows, 0.5 - LEVEL / 2, axis=0) - noise)
        high.append(np.quantile(rows, 0.5 + LEVEL / 2, axis=0) + noise)
        inside.append((motion.effort > low[-1]) & (motion.effort < high[-1]))
        moving.append(motion.moving)
    flags, hits = np.concatenate(moving), np.concatenate(inside)
    width = np.concatenate([b - a for a, b in zip(low, high, strict=True)])
    size = _size(result.held)
    seen = [j for j in range(result.robot.n) if flags[:, j].mean() >= RARE]
    names = result.robot.joint_names
    return EffortEnvelope(
        low,
        high,
        {names[j]: float(hits[flags[:, j], j].mean()) for j in seen},
        {names[j]: float(np.median(width[:, j]) / size[j]) for j in seen},
    )


def _draws(result: EffortResult, rng: np.random.Generator) -> list[Model]:
    setup = result.fitted.setup
    values, vectors = np.linalg.eigh(result.spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    found = []
    for _ in range(DRAWS):
        moved = result.fitted.vector + root @ rng.standard_normal(setup.size)
        moved = np.where(setup.positive(), np.maximum(moved, 0.0), moved)
        found.append(Model(setup, moved))
    return found


def _size(motions: list[Motion]) -> Floats:
    effort = np.concatenate([np.where(m.moving, m.effort, np.nan) for m in motions])
    count = np.isfinite(effort).sum(axis=0)
    square = np.nansum(effort**2, axis=0) / np.maximum(count, 1)
    return np.asarray(np.sqrt(np.maximum(square, 1e-12)))
