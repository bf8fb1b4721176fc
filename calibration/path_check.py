"""Limits of a path: joints, tool box, table and the arm itself."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from forearm.core.errors import LimitError
from forearm.core.log import Floats
from forearm.core.robot import RobotSpec
from forearm.sim.model import FieldMap, build_model

CLEARANCE = 0.02
"""Distance kept between bodies, and to the table [m]."""

EVERY = 3
"""Every third point is checked for collisions: 30 ms, at most 0.1 rad apart."""


@dataclass(frozen=True, kw_only=True)
class PathLimits:
    """What a path may use of the arm, and where the tool may be."""

    velocity: float = 0.6
    """Part of the joint velocity limit."""
    acceleration: float = 0.6
    """Part of the joint acceleration limit."""
    jerk: float = 0.8
    """Part of the joint jerk limit."""
    range: float = 1.0
    """Largest distance from the start pose [rad]."""
    margin: float = 0.05
    """Distance kept from position limits [rad]."""
    box: tuple[tuple[float, float], tuple[float, float], tuple[float, float]] = (
        (-2.0, 2.0),
        (-2.0, 2.0),
        (0.1, 3.0),
    )
    """Lowest and highest x, y, z of the tool in the base frame [m]."""

    def __post_init__(self) -> None:
        """Refuse parts outside (0, 1] and an empty box.

        Raises:
            LimitError: a number is out of its range.
        """
        for name in ("velocity", "acceleration", "jerk"):
            if not 0 < getattr(self, name) <= 1:
                raise LimitError(f"{name} must be a part of the limit in (0, 1]")
        if not (self.range > 0 and self.margin >= 0):
            raise LimitError("range must be positive and margin not negative")
        if any(not low < high for low, high in self.box):
            raise LimitError(f"tool box {self.box} is empty")


class PathCheck:
    """Judges paths of one arm around one start pose."""

    def __init__(self, robot: RobotSpec, limits: PathLimits, start: Floats) -> None:
        """Compile the arm with a skin of half the clearance.

        Raises:
            LimitError: the start pose itself is not allowed.
        """
        self.robot, self.limits, self.start = robot, limits, start
        self._model = build_model(robot)
        self._model.geom_margin[:] = CLEARANCE
        self._data = mujoco.MjData(self._model)
        self._fields = FieldMap(self._model, robot)
        # Neighbours that are built closer than that may stay so, but not touch.
        self._built: set[tuple[int, int]] = set()
        self._built = self._near(robot.home)
        why = self.refused(start[None])
        if why:
            raise LimitError(f"the start pose is not allowed: {why}")

    def scale(self, motion: list[Floats]) -> float:
        """Return by how much the deviation from the start may grow at most, > 0.

        Args:
            motion: position, velocity, acceleration, jerk, (T, n) each.
        """
        limits, robot = self.limits, self.robot
        away = motion[0] - self.start
        up = np.minimum(robot.upper - limits.margin - self.start, limits.range)
        down = np.minimum(self.start - robot.lower - limits.margin, limits.range)
        parts = [away.max(axis=0) / up, -away.min(axis=0) / down]
        for name, rows in zip(
            ("velocity", "acceleration", "jerk"), motion[1:], strict=True
        ):
            top = getattr(limits, name) * robot.vector(name)
            parts.append(np.abs(rows).max(axis=0) / top)
        return float(1.0 / max(np.max(parts), 1e-9))

    def _near(self, row: Floats) -> set[tuple[int, int]]:
        data = self._data
        data.qpos[self._fields.qpos] = row
        mujoco.mj_fwdPosition(self._model, data)
        pairs = zip(data.contact.geom.tolist(), data.contact.dist, strict=True)
        return {(a, b) for (a, b), d in pairs if d < 0 or (a, b) not in self._built}

    def refused(self, position: Floats) -> str:
        """Return why a path (T, n) [rad] is not allowed, or nothing."""
        data, model = self._data, self._model
        for row in position[:: EVERY if len(position) > 1 else 1]:
            near = self._near(row)
            if near:
                names = [model.geom(g).name or f"geom {g}" for g in min(near)]
                return f"{names[0]} comes within {CLEARANCE} m of {names[1]}"
            tool = data.site(self.robot.tool_frame).xpos
            for axis, value, (low, high) in zip(
                "xyz", tool, self.limits.box, strict=True
            ):
                if not low <= value <= high:
                    return f"the tool's {axis} {value:.2f} m is outside [{low}, {high}]"
        return ""
