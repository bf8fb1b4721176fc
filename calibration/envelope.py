"""Whether the recorded motion lies inside what the randomized simulator predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forearm.core.log import Floats
from forearm.core.params import Params
from forearm.core.robot import RobotSpec
from forearm.sim.randomization import Randomization

from .rollout import Rollout
from .windows import Window, noise_scales

DRAWS = 24
"""Simulators drawn; the envelope is their range, which a further draw leaves in one of
thirteen cases."""

WINDOWS = 8
"""Most windows looked at."""

NOISE = 3.0
"""Sensor noise allowed beside the envelope, in standard deviations."""


@dataclass(frozen=True)
class Envelope:
    """The range of the drawn simulators along the held-out windows."""

    windows: list[Window]
    """Windows looked at."""
    low: list[Floats]
    """Lowest simulated position per window [rad], (samples, n)."""
    high: list[Floats]
    """Highest simulated position per window [rad], (samples, n)."""
    inside: dict[str, float]
    """Part of the measured samples inside, sensor noise allowed, by joint."""
    width: dict[str, float]
    """Median width by joint [rad]."""

    def as_json(self) -> dict[str, Any]:
        """Return the parts inside and the widths [rad] for a machine."""
        return {"inside": self.inside, "width_rad": self.width}

    def findings(self) -> list[str]:
        """Return the joints that leave the envelope, in sentences."""
        return [
            f"{joint} leaves the predicted envelope in {1 - part:.0%} of the held-out "
            "samples: the simulator lacks an effect, or the intervals are too narrow"
            for joint, part in self.inside.items()
            if part < 0.9
        ]


def envelope(
    robot: RobotSpec,
    params: Params,
    randomization: Randomization,
    windows: Sequence[Window],
    rng: np.random.Generator,
) -> Envelope:
    """Simulate ``windows`` under draws of ``randomization`` around ``params``.

    Only what was fitted varies: a payload nobody lifted would widen it for nothing.
    """
    chosen = list(windows[:: max(1, len(windows) // WINDOWS)])[:WINDOWS]
    values = params.values(robot)
    fitted = set(params.params)
    sets = []
    for _ in range(DRAWS):
        drawn = randomization.sample(rng, values)
        sets.append({**values, **{k: v for k, v in drawn.items() if k in fitted}})
    scales = noise_scales([w.log for w in chosen], robot.vector("effort"))
    simulated = Rollout(robot, chosen, scales, DRAWS).simulate(sets)
    low = [s[:, 0].min(axis=0) for s in simulated]
    high = [s[:, 0].max(axis=0) for s in simulated]
    inside, width = [], []
    for window, a, b in zip(chosen, low, high, strict=True):
        measured = window.log.position[window.rows]
        room = NOISE * scales[0]
        inside.append((measured > a - room) & (measured < b + room))
        width.append(b - a)
    part = np.concatenate(inside).mean(axis=0)
    wide = np.median(np.concatenate(width), axis=0)
    names = robot.joint_names
    return Envelope(
        chosen,
        low,
        high,
        dict(zip(names, part.tolist(), strict=True)),
        dict(zip(names, wide.tolist(), strict=True)),
    )
