"""Automatic widening: randomization grows where the policy succeeds.

After automatic domain randomization (Akkaya et al., "Solving Rubik's Cube with a Robot
Hand", arXiv 1910.07113, section 5.2), with one difference: all simulations share one
width, so a boundary is not probed by pinning single episodes to it but by widening one
side of one term and watching the success of the next episodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError

from .randomization import SIDES, Randomization, Side


@dataclass(frozen=True, kw_only=True)
class WideningConfig:
    """When and how fast a randomization widens."""

    start: float = 0.1
    """Share of every range in use at the start."""
    step: float = 0.1
    """How much one side of one term widens at a time."""
    widen_above: float = 0.8
    """Success from which on it widens."""
    narrow_below: float = 0.5
    """Success under which the last step is taken back."""
    episodes: int = 200
    """Episodes that one decision looks at."""

    def __post_init__(self) -> None:
        """Refuse thresholds and steps that never act or act both ways.

        Raises:
            LimitError: a number is out of its range.
        """
        if not (0 <= self.start <= 1 and 0 < self.step <= 1 and self.episodes > 0):
            raise LimitError("widening: start and step are shares, episodes at least 1")
        if not 0 <= self.narrow_below < self.widen_above <= 1:
            raise LimitError(
                f"widening: narrow_below {self.narrow_below} must lie below "
                f"widen_above {self.widen_above}, both in [0, 1]"
            )


class Widening:
    """Holds how much of each side of each term is in use, and why."""

    def __init__(
        self, full: Randomization, config: WideningConfig | None = None
    ) -> None:
        """Start narrow; ``full`` is what the widening ends with."""
        self.full, self.config = full, config or WideningConfig()
        self._sides: list[tuple[str, Side]] = [
            (n, s) for n in full.terms for s in SIDES
        ]
        self._width = dict.fromkeys(self._sides, self.config.start)
        self._outcomes: list[bool] = []
        self._next = 0

    @property
    def randomization(self) -> Randomization:
        """The randomization in force."""
        return self.full.widened(self._width)

    @property
    def share(self) -> float:
        """Mean share of all ranges in use, 1 when everything is."""
        return float(np.mean(list(self._width.values()))) if self._width else 1.0

    def record(self, success: NDArray[np.bool_]) -> bool:
        """Take the outcome of ended episodes (k,); return whether the width changed."""
        self._outcomes.extend(bool(s) for s in success)
        if len(self._outcomes) < self.config.episodes or not self._sides:
            return False
        rate = float(np.mean(self._outcomes))
        self._outcomes.clear()
        if rate >= self.config.widen_above:
            return self._change(self._next, self.config.step)
        if rate < self.config.narrow_below:
            return self._change(self._next - 1, -self.config.step)
        return False

    def _change(self, place: int, amount: float) -> bool:
        side = self._sides[place % len(self._sides)]
        before = self._width[side]
        self._width[side] = float(np.clip(before + amount, 0.0, 1.0))
        self._next = (self._next + (1 if amount > 0 else -1)) % len(self._sides)
        return self._width[side] != before

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        width = [self._width[side] for side in self._sides]
        return {"width": width, "next": self._next, "outcomes": list(self._outcomes)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            LimitError: it belongs to another randomization.
        """
        if len(state["width"]) != len(self._sides):
            raise LimitError("widening: the checkpoint is of another randomization")
        self._width = dict(zip(self._sides, state["width"], strict=True))
        self._next, self._outcomes = state["next"], list(state["outcomes"])
