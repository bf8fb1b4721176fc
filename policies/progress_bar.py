"""ProgressBar: how a training goes, on the terminal and in TensorBoard."""

from __future__ import annotations

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from stable_baselines3.common.callbacks import BaseCallback

from .vec_env import ArmVecEnv


class ProgressBar(BaseCallback):
    """Bar with success rate and time left; success and width to TensorBoard."""

    def __init__(self, env: ArmVecEnv, steps: int, *, quiet: bool) -> None:
        """Draw nothing if ``quiet``; ``steps`` are the control steps of the run."""
        super().__init__()
        self._env = env
        self.bar = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            TextColumn("success {task.fields[success]:.0%}{task.fields[width]}"),
            TimeRemainingColumn(),
            disable=quiet,
        )
        self._task = self.bar.add_task("training", total=steps, success=0.0, width="")

    def _on_step(self) -> bool:
        if self.n_calls % 32 == 0:
            success = self._env.success_rate() if self._env.recent else 0.0
            self.logger.record("rollout/success", success)
            self.bar.update(
                self._task,
                completed=self.num_timesteps,
                success=success,
                width=self._width(),
            )
        return True

    def _width(self) -> str:
        widening = self._env.loop.widening
        if widening is None:
            return ""
        self.logger.record("rollout/randomization_share", widening.share)
        return f", randomization {widening.share:.0%}"
