"""ColumnMap: which column of a table is which signal of which joint, in which unit."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .errors import UnknownNameError
from .files import read_model

TO_SI = {
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "rad": 1.0,
    "deg": math.pi / 180,
    "rev": 2 * math.pi,
    "rad/s": 1.0,
    "deg/s": math.pi / 180,
    "rpm": 2 * math.pi / 60,
    "Nm": 1.0,
    "mNm": 1e-3,
    "A": 1.0,
    "mA": 1e-3,
    "V": 1.0,
    "C": 1.0,
    "1": 1.0,
}
"""Units a column may be in and the factor to the unit kept in memory."""

KEPT = {
    "time": {"s", "ms", "us", "ns"},
    "position": {"rad", "deg", "rev"},
    "velocity": {"rad/s", "deg/s", "rpm"},
    "effort": {"Nm", "mNm", "A", "mA"},
    "command": {"rad", "deg", "rev"},
}
"""Units each signal may be in."""

Column = int | str
"""1-based number of a column, or its name in the header row."""


class Columns(BaseModel):
    """The columns of one signal, in the order of the joints."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: list[Column] | str
    """Numbers (from 1), header names, or a range such as ``"2-7"``."""
    unit: str
    """Unit in the file; converted to SI when it is read."""

    @field_validator("unit")
    @classmethod
    def _known(cls, unit: str) -> str:
        if unit not in TO_SI:
            raise ValueError(f"unknown unit {unit!r}; valid: {', '.join(TO_SI)}")
        return unit

    @field_validator("columns")
    @classmethod
    def _listed(cls, columns: list[Column] | str) -> list[Column]:
        if isinstance(columns, str):
            found = re.fullmatch(r"(\d{1,4})-(\d{1,4})", columns)
            if not found:
                return [columns]
            columns = list(range(int(found[1]), int(found[2]) + 1))
        if not columns or any(isinstance(c, int) and c < 1 for c in columns):
            raise ValueError("columns are numbered from 1")
        return columns

    @property
    def keys(self) -> list[Column]:
        """The columns as a list."""
        return list(self.columns)

    @property
    def factor(self) -> float:
        """What a number in the file is multiplied with."""
        return TO_SI[self.unit]


class ColumnMap(BaseModel):
    """How a table of numbers is read as a log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    joints: list[str]
    """Joint names in the order of the columns of each signal."""
    time: Columns
    """The column of time stamps."""
    position: Columns
    """Measured joint positions."""
    velocity: Columns | None = None
    """Measured joint velocities."""
    effort: Columns | None = None
    """Joint torques (Nm) or motor currents (A)."""
    command: Columns | None = None
    """Commanded joint positions, on the same rows."""
    signals: dict[str, Columns] = Field(default_factory=dict)
    """Anything else per joint, by name."""
    delimiter: Literal[",", ";", "\t", " "] = ","
    """What stands between two numbers."""
    header_rows: int = Field(default=0, ge=0, le=1000)
    """Rows before the first number; the last one holds the names."""
    rows: tuple[int, int] | None = None
    """First and last row to read, counted from 1 behind the header, inclusive."""
    source: str | None = None
    """Where the layout is described."""

    @model_validator(mode="after")
    def _check(self) -> ColumnMap:
        for name, signal in self.named().items():
            size = 1 if name == "time" else len(self.joints)
            if len(signal.keys) != size:
                raise ValueError(f"{name} needs {size} columns, got {len(signal.keys)}")
            if name in KEPT and signal.unit not in KEPT[name]:
                valid = ", ".join(sorted(KEPT[name]))
                raise ValueError(f"{name} is not in {signal.unit}; valid: {valid}")
        if len(set(self.joints)) != len(self.joints) or not self.joints:
            raise ValueError(f"joint names must be unique: {self.joints}")
        if self.rows is not None and not 1 <= self.rows[0] < self.rows[1]:
            raise ValueError(f"rows must be first:last from 1, got {self.rows}")
        return self

    def named(self) -> dict[str, Columns]:
        """Return every signal of the file by name, time included."""
        fixed = {
            name: signal
            for name in KEPT
            if isinstance(signal := getattr(self, name), Columns)
        }
        return {**fixed, **self.signals}


UR_JOINTS = [
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
]

PRESETS: dict[str, ColumnMap] = {
    "ur10e-dynamic-calibration": ColumnMap(
        joints=UR_JOINTS,
        time=Columns(columns=[1], unit="s"),
        position=Columns(columns="2-7", unit="rad"),
        velocity=Columns(columns="8-13", unit="rad/s"),
        effort=Columns(columns="14-19", unit="A"),
        signals={
            "target_current": Columns(columns="20-25", unit="A"),
            "target_torque": Columns(columns="26-31", unit="Nm"),
        },
        source="github.com/shamilmamedov/dynamic_calibration: RTDE export, 31 columns",
    ),
}
"""Layouts that are known by name."""


def load_column_map(name: str | Path) -> ColumnMap:
    """Return a preset by name, or read a map from a ``.yaml`` or ``.json`` file.

    Raises:
        UnknownNameError: neither a preset nor a file.
        FileError: the file does not hold a column map.
    """
    if str(name) in PRESETS:
        return PRESETS[str(name)]
    if Path(name).suffix not in (".yaml", ".yml", ".json"):
        raise UnknownNameError("column map", str(name), [*PRESETS, "a .yaml file"])
    return read_model(name, ColumnMap)
