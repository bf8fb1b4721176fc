"""Plan a motion that tells most about chosen parameters, within all limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forearm.core.errors import LimitError
from forearm.core.log import Floats
from forearm.core.motion import Motion
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec

from .fourier import STEP, Series
from .information import DEFAULT, Information
from .path_check import PathCheck, PathLimits

HARMONICS = 6
"""Harmonics of each joint."""

HIGHEST = 1.5
"""Highest frequency [Hz]: below the bandwidth of the servos planned for."""

SHRINK = 0.85
"""Factor by which a path that touches something is made smaller."""

SECONDS = (6.0, 120.0)
"""Shortest and longest motion [s]."""


@dataclass(frozen=True)
class Plan:
    """A motion and what it would tell."""

    robot: RobotSpec
    """The arm."""
    time: Floats
    """[s], (T,)."""
    motion: list[Floats]
    """Position, velocity, acceleration, jerk, (T, n) each."""
    names: list[str]
    """Values planned for, ``param[index]``."""
    widths: Floats
    """Predicted half-widths of their 90 % intervals, in their units."""
    prior: Floats
    """Half-widths before the motion."""
    score: float
    """E-foldings narrower than the prior, all values together."""

    def as_motion(self, **notes: Any) -> Motion:
        """Return the content of a trajectory file."""
        widths = dict(zip(self.names, np.round(self.widths, 9).tolist(), strict=True))
        return Motion(
            robot=self.robot.name,
            joints=list(self.robot.joint_names),
            time=np.round(self.time, 6).tolist(),
            position=np.round(self.motion[0], 9).tolist(),
            velocity=np.round(self.motion[1], 9).tolist(),
            notes={"half_width_90": widths, "score": self.score, **notes},
        )


class Planner:
    """Fourier motions of one arm around its start pose."""

    def __init__(
        self,
        robot: RobotSpec,
        values: Mapping[str, Floats] | None = None,
        parameters: Sequence[str] = DEFAULT,
        *,
        seconds: float = 20.0,
        limits: PathLimits | None = None,
        start: Floats | None = None,
    ) -> None:
        """Choose what to plan for.

        Args:
            robot: the arm.
            values: expected parameter values; nominal where missing.
            parameters: names from :mod:`forearm.calibration.information`.
            seconds: length [s].
            limits: what the path may use.
            start: pose at both ends [rad]; the robot's home where missing.

        Raises:
            LimitError: a limit or the length is out of range.
            UnknownNameError: a parameter cannot be planned for.
        """
        if not SECONDS[0] <= seconds <= SECONDS[1]:
            raise LimitError(f"seconds must lie in {list(SECONDS)}, got {seconds:g}")
        self.robot = robot
        self._start = robot.home if start is None else start
        self._information = Information(
            robot, {**nominal_values(robot), **(values or {})}, parameters
        )
        self._series = Series(seconds, HARMONICS, HIGHEST / HARMONICS)
        self._check = PathCheck(robot, limits or PathLimits(), self._start)

    def random(self, rng: np.random.Generator) -> Plan:
        """Return a random motion, as large as the limits allow."""
        return self._plan(self._fit(rng.normal(size=(self._series.size, self.robot.n))))

    def optimize(self, rng: np.random.Generator, evaluations: int = 300) -> Plan:
        """Return the most telling of many motions, by an evolution strategy.

        One parent, one child at a time, step size by the one-fifth success rule
        (Rechenberg, 1973); every motion is first made as large as the limits allow.
        """
        x = max(
            (
                self._fit(rng.normal(size=(self._series.size, self.robot.n)))
                for _ in range(max(2, evaluations // 10))
            ),
            key=self._score,
        )
        best, step = self._score(x), 0.3
        for _ in range(evaluations):
            size = np.sqrt((x**2).mean(axis=0))
            # Few coefficients at a time: a motion is at its limits in many places.
            chosen = rng.random(x.shape) < 0.3
            child = self._fit(x + step * size * chosen * rng.normal(size=x.shape))
            score = self._score(child)
            if score > best:
                x, best, step = child, score, step * 1.5
            else:
                step = max(step * 1.5**-0.25, 0.02)
        return self._plan(x)

    def _fit(self, x: Floats) -> Floats:
        """Return ``x`` scaled per joint to the limits, then until nothing is hit."""
        start = self._start
        away = self._series.basis
        for j in range(self.robot.n):
            column = np.zeros_like(x)
            column[:, j] = x[:, j]
            x[:, j] *= self._check.scale(
                [start + away[0] @ column] + [b @ column for b in away[1:]]
            )
        for _ in range(40):
            if not self._check.refused(self._series.motion(start, x)[0]):
                return x
            x = x * SHRINK
        raise LimitError("no motion around the start pose is free of collisions")

    def _score(self, x: Floats) -> float:
        motion = self._series.motion(self._start, x)
        return self._information.score(self._information.matrix(motion))

    def _plan(self, x: Floats) -> Plan:
        motion = self._series.motion(self._start, x)
        matrix = self._information.matrix(motion)
        return Plan(
            self.robot,
            np.asarray(self._series.time, np.float64),
            motion,
            self._information.names(),
            self._information.widths(matrix),
            1.645 * self._information.prior(),
            self._information.score(matrix),
        )


__all__ = ("STEP", "Plan", "Planner")
