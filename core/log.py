"""RunLog: one recording in memory, uneven sampling kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import ForearmError, MismatchError

Floats = NDArray[np.float64]

EffortUnit = Literal["Nm", "A"]
"""Unit of a log's effort: joint torque, or motor current of unknown drive gain."""


LONGEST, MOST_NAMES = 60, 20
"""Letters of a name and names in a message."""


def _empty(n: int) -> Floats:
    return np.zeros((0, n))


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """Joint states and commands of one run, each on its own clock stamps.

    Arrays are float64. A signal that was not recorded has no rows.
    """

    joints: tuple[str, ...]
    """Joint names in the order of the columns."""
    time: Floats
    """Stamps of the joint states, increasing [s], shape (T,)."""
    position: Floats
    """Measured joint positions [rad], shape (T, n)."""
    velocity: Floats
    """Measured joint velocities [rad/s], shape (T, n) or (0, n)."""
    effort: Floats
    """Measured joint torques or motor currents [effort_unit], (T, n) or (0, n)."""
    command_time: Floats
    """Times at which the commands were sent, same clock [s], shape (K,)."""
    command: Floats
    """Commanded joint positions [rad], shape (K, n)."""
    effort_unit: EffortUnit = "Nm"
    """What the effort is; a current is never taken for a torque silently."""
    signals: dict[str, Floats] = field(default_factory=dict)
    """Whatever else was recorded per joint (target current, supply voltage, torque
    switch), by name, each (T, n)."""
    meta: dict[str, Any] = field(default_factory=dict)
    """Where the log comes from."""

    def __post_init__(self) -> None:
        """Check shapes and the order of stamps once, where data enters.

        Raises:
            MismatchError: an array has the wrong shape.
            ForearmError: stamps are not finite or do not increase.
        """
        n, rows = len(self.joints), len(self.time)
        for name, count, optional in (
            ("position", rows, False),
            ("velocity", rows, True),
            ("effort", rows, True),
            ("command", len(self.command_time), False),
        ):
            shape = getattr(self, name).shape
            if shape != (count, n) and not (optional and shape == (0, n)):
                raise MismatchError(f"log {name} shape", shape, (count, n))
        for name, signal in self.signals.items():
            if signal.shape != (rows, n):
                raise MismatchError(f"log {name} shape", signal.shape, (rows, n))
        for name in ("time", "command_time"):
            stamps = getattr(self, name)
            if not (np.isfinite(stamps).all() and (np.diff(stamps) > 0).all()):
                raise ForearmError(
                    f"log {name} must be finite and increase from row to row"
                )

    @property
    def duration(self) -> float:
        """Time between the first and the last joint state [s]."""
        return float(self.time[-1] - self.time[0]) if len(self.time) else 0.0

    def select(self, joints: tuple[str, ...]) -> RunLog:
        """Return the log with columns mapped **by name** to ``joints``.

        Names may differ by one prefix, see :func:`named_as`.

        Raises:
            MismatchError: a joint is missing.
        """
        found = named_as(self.joints, joints)
        if found is None:
            raise MismatchError(
                "log joints", shown_names(self.joints), list(joints), "check --robot"
            )
        index = [self.joints.index(name) for name in found]
        return self._replace(
            joints=joints,
            position=self.position[:, index],
            velocity=self.velocity[:, index],
            effort=self.effort[:, index],
            command=self.command[:, index],
            signals={name: s[:, index] for name, s in self.signals.items()},
        )

    def crop(self, start: float, stop: float) -> RunLog:
        """Return the rows with ``start <= time < stop`` of both streams."""
        rows = (self.time >= start) & (self.time < stop)
        sent = (self.command_time >= start) & (self.command_time < stop)
        optional = {
            name: getattr(self, name)[rows]
            if len(getattr(self, name))
            else _empty(self.n)
            for name in ("velocity", "effort")
        }
        return self._replace(
            time=self.time[rows],
            signals={name: s[rows] for name, s in self.signals.items()},
            position=self.position[rows],
            command_time=self.command_time[sent],
            command=self.command[sent],
            **optional,
        )

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def _replace(self, **changes: Any) -> RunLog:
        return RunLog(**{**self.__dict__, **changes})


def shown_names(names: Sequence[str]) -> list[str]:
    """Return names as a message can hold them: a damaged file has any of any length."""
    shown = [name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in names]
    more = len(names) - MOST_NAMES
    return [*shown[:MOST_NAMES], f"{more} more"] if more > 0 else shown


def named_as(have: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names in ``have`` that are the joints ``wanted``, in their order.

    Drivers put a prefix of their own before joint names (``left_`` of two arms, or
    ``fer_`` for ``panda_``). It is exchanged where one prefix, and only one, fits all.
    """
    if set(wanted) <= set(have):
        return tuple(wanted)
    first, last = min(wanted), max(wanted)
    same = [a == b for a, b in zip(first, last, strict=False)] + [False]
    shared = first[: same.index(False)]
    cut = max(shared.rfind("_"), shared.rfind("/")) + 1 if len(wanted) > 1 else 0
    ends = [name[cut:] for name in wanted]
    fitting = [
        {name[: -len(end)] for name in have if end and name.endswith(end)}
        for end in ends
    ]
    prefixes = set.intersection(*fitting) if fitting else set()
    if len(prefixes) != 1:
        return None
    (prefix,) = prefixes
    return tuple(prefix + end for end in ends)


def make_log(
    joints: tuple[str, ...],
    time: Floats,
    position: Floats,
    velocity: Floats | None = None,
    effort: Floats | None = None,
    command_time: Floats | None = None,
    command: Floats | None = None,
    *,
    effort_unit: EffortUnit = "Nm",
    signals: dict[str, Floats] | None = None,
    **meta: Any,
) -> RunLog:
    """Build a :class:`RunLog`; signals that are not given stay empty."""
    n = len(joints)
    return RunLog(
        joints=joints,
        time=np.asarray(time, np.float64),
        position=np.asarray(position, np.float64),
        velocity=_empty(n) if velocity is None else np.asarray(velocity, np.float64),
        effort=_empty(n) if effort is None else np.asarray(effort, np.float64),
        command_time=np.zeros(0) if command_time is None else np.asarray(command_time),
        command=_empty(n) if command is None else np.asarray(command, np.float64),
        effort_unit=effort_unit,
        signals=signals or {},
        meta=meta,
    )
