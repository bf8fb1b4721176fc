"""Whether a servo's bench logs lie inside what its fitted values predict."""

from __future__ import annotations

import numpy as np

from forearm.core.log import Floats
from forearm.core.params import nominal_values

from .envelope import DRAWS, NOISE, Envelope
from .pendulum import Bench
from .pendulum_search import START
from .posterior_file import posterior_randomization
from .result import Result
from .windows import noise_scales


def bench_envelope(result: Result, rng: np.random.Generator) -> Envelope:
    """Simulate the held-out logs of a bench under draws of the fitted values.

    Args:
        result: of servo bench logs.
        rng: of the draws.

    Raises:
        LimitError: the params hold no standard deviations.
    """
    robot, windows = result.robot, result.held
    drawn = posterior_randomization(result.params, robot)
    values = {**nominal_values(robot), **result.params.values(robot)}
    sets = [drawn.sample(rng, values) for _ in range(DRAWS)]
    names = {*START, "stribeck_velocity"} & set(result.params.params)
    table = {
        name: np.stack([{**values, **s}[name] for s in sets]) for name in sorted(names)
    }
    bench = Bench([w.log for w in windows])
    rows = [r[..., None] for r in bench.at_samples(bench.run(table))]
    return _judged(result, rows)


def _judged(result: Result, rows: list[Floats]) -> Envelope:
    robot, windows = result.robot, result.held
    noise = noise_scales([w.log for w in windows], robot.vector("effort"))[0]
    low, high = [r.min(axis=0) for r in rows], [r.max(axis=0) for r in rows]
    inside = [
        (w.log.position > a - NOISE * noise) & (w.log.position < b + NOISE * noise)
        for w, a, b in zip(windows, low, high, strict=True)
    ]
    joint = robot.joint_names[0]
    width = np.concatenate([b - a for a, b in zip(low, high, strict=True)])
    return Envelope(
        windows,
        low,
        high,
        {joint: float(np.concatenate(inside).mean())},
        {joint: float(np.median(width))},
    )
