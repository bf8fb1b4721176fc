"""What a training run is made of, and the values that work per algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.robots import DEFAULT_ROBOT

ALGORITHMS = ("ppo", "sac")
"""Continuous algorithms of ``forearm train``."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run; every field is a flag of ``forearm train``."""

    task: str = "reach"
    """Task name."""
    robot: str = DEFAULT_ROBOT
    """Robot name."""
    algo: str = "ppo"
    """``ppo`` or ``sac``."""
    seed: int = 0
    """Seed of the policy, the simulations and the exploration."""
    steps: int = 0
    """Control steps to train for; 0 takes the preset's."""
    envs: int = 0
    """Simulations in the batch; 0 takes the preset's."""
    randomization: str = "light"
    """Named randomization."""
    goal_box: Sequence[float] | None = None
    """XMIN XMAX YMIN YMAX ZMIN ZMAX of the targets [m]; the task's own where none."""
    widen: bool = False
    """Start with a tenth of the randomization and widen it with success."""
    params: str | None = None
    """Params file the simulator loads."""
    out: str = "runs/train"
    """Run directory."""

    def __post_init__(self) -> None:
        """Refuse an unknown algorithm and negative counts.

        Raises:
            UnknownNameError: the algorithm does not exist.
            LimitError: a count is negative.
        """
        if self.algo not in ALGORITHMS:
            raise UnknownNameError("algorithm", self.algo, ALGORITHMS)
        if self.steps < 0 or self.envs < 0 or self.seed < 0:
            raise LimitError("steps, envs and seed must not be negative")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Sizes that work for one algorithm on two cores."""

    steps: int
    """Control steps."""
    envs: int
    """Simulations."""
    segment: int
    """Control steps between checkpoints, each of which starts new episodes."""


PRESETS = {
    "ppo": Preset(steps=2_000_000, envs=128, segment=204_800),
    "sac": Preset(steps=800_000, envs=32, segment=48_000),
}
"""By algorithm; tuned on reach with the UR5e."""
