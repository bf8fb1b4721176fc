"""Motion: a joint trajectory in a file, to be played once and recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import FileError
from .files import read_model, write_yaml
from .robot import RobotSpec

FORMAT: Final = 1
"""Version of the file layout."""

MOST = 20_000
"""Most points of a motion: 200 s at 100 Hz."""

ROUNDING = 1.02
"""Differences of rounded points may exceed a limit by this factor."""


class Motion(BaseModel):
    """The content of a trajectory file; it starts and ends at rest."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: Literal[1] = FORMAT
    robot: str
    """Short name of the arm it was planned for."""
    joints: list[str]
    """Joint names in the order of the columns."""
    time: list[float] = Field(max_length=MOST)
    """Times since the start [s], increasing from 0."""
    position: list[list[float]]
    """Joint positions [rad], a row per time."""
    velocity: list[list[float]]
    """Joint velocities [rad/s], a row per time."""
    notes: dict[str, Any] = Field(default_factory=dict)
    """What it is for: parameters, predicted widths, seed."""

    @model_validator(mode="after")
    def _check(self) -> Motion:
        shape = (len(self.time), len(self.joints))
        for name in ("position", "velocity"):
            rows = getattr(self, name)
            if len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
                raise ValueError(f"{name} needs {shape[0]} rows of {shape[1]} values")
        if shape[0] < 2 or self.time[0] != 0 or (np.diff(self.time) <= 0).any():
            raise ValueError("time must start at 0 and increase, with two points")
        ends = np.abs([self.velocity[0], self.velocity[-1]])
        if ends.max() > 1e-3:
            raise ValueError("a motion starts and ends at rest")
        return self

    def array(self, name: str) -> NDArray[np.float64]:
        """Return ``time``, ``position`` or ``velocity`` as an array."""
        return np.array(getattr(self, name), np.float64)


def load_motion(path: str | Path, robot: RobotSpec | None = None) -> Motion:
    """Read a trajectory file; with ``robot``, hold it against the arm's limits.

    Raises:
        FileError: missing, malformed, of another robot, or outside its limits.
    """
    motion = read_model(path, Motion)
    if robot is None:
        return motion
    if motion.robot != robot.name or tuple(motion.joints) != robot.joint_names:
        raise FileError(path, f"is for robot {motion.robot!r}, not {robot.name!r}")
    time, position = motion.array("time"), motion.array("position")
    velocity = motion.array("velocity")
    slope = np.diff(position, axis=0) / np.diff(time)[:, None]
    change = np.diff(velocity, axis=0) / np.diff(time)[:, None]
    for what, rows, low, high in (
        ("position", position, robot.lower, robot.upper),
        ("velocity", np.vstack([velocity, slope]), None, robot.vector("velocity")),
        ("acceleration", change, None, robot.vector("acceleration")),
    ):
        low = -high if low is None else low
        room = ROUNDING if what != "position" else 1.0
        bad = ((rows > room * high) | (rows < room * low)).any(axis=0)
        if bad.any():
            name = robot.joint_names[int(np.argmax(bad))]
            raise FileError(path, f"{what} of {name} leaves the arm's limits")
    return motion


def save_motion(path: str | Path, motion: Motion) -> None:
    """Write a trajectory file atomically."""
    write_yaml(path, motion)
