"""White noise of whole episodes, drawn when they start, in half of a float's memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ids = NDArray[np.intp]

STEP = 2.0**-12
"""What a number is rounded to, in standard deviations: 16 bits reach out to eight."""


class Noise:
    """Normally distributed numbers for every control tick of every simulation.

    They come from each episode's own generator: what a simulation senses does not
    depend on its place in the batch.
    """

    def __init__(self, steps: int, nsim: int, width: int) -> None:
        """Allocate ``width`` numbers a tick, for episodes of at most ``steps``."""
        # By tick first: episodes that began together read neighbours.
        self.drawn = np.zeros((steps + 1, nsim, width), np.int16)
        """In steps of :data:`STEP`, (steps + 1, nsim, width)."""
        self.scale = np.zeros((nsim, width), np.float32)
        """What one step means, (nsim, width)."""

    def draw(self, ids: Ids, rngs: list[np.random.Generator], std: Floats) -> None:
        """Draw for the episodes of ``ids`` that start; nothing where all is 0.

        Args:
            ids: the simulations, (k,).
            rngs: one generator each.
            std: standard deviations, (k, width).
        """
        self.scale[ids] = STEP * std
        ticks, _, width = self.drawn.shape
        for i, rng, wanted in zip(ids, rngs, std.max(axis=1) > 0, strict=True):
            if wanted:
                drawn = rng.standard_normal((ticks, width), dtype=np.float32) / STEP
                self.drawn[:, i] = np.clip(np.rint(drawn), -32767, 32767)

    def at(self, tick: Ids) -> Singles:
        """Return the numbers of a tick of each simulation, (nsim, width).

        Args:
            tick: control ticks since the start, (nsim,); beyond the last, the last.
        """
        tick = np.minimum(tick, len(self.drawn) - 1)
        return np.asarray(self.drawn[tick, np.arange(len(tick))] * self.scale)
