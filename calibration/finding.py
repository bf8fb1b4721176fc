"""Finding: one thing a log lacks or had wrong, which rows, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import ForearmError
from forearm.core.log import RunLog
from forearm.core.robot import RobotSpec

Action = Literal["noted", "dropped", "converted", "reordered", "shifted", "kept"]
"""What was done: nothing, rows left out, values changed, columns or stamps moved."""

CODES = {
    "summary": "what the log holds",
    "corrupt_rows": "rows that are ragged or not numbers",
    "old_stamps": "rows whose stamp is not later than all before them",
    "spikes": "single rows far from both neighbours",
    "units": "degrees, or a conversion made twice",
    "joint_order": "columns of a signal in another order than the positions",
    "sign": "a signal that runs against the positions",
    "clock_offset": "commands on another clock than the states",
    "not_followed": "the arm does not follow the commands",
    "command_cover": "part of the log has no commands",
    "duplicates": "states that repeat the one before while the arm moves",
    "gaps": "stretches without states",
    "saturation": "torque at its limit",
    "torque_off": "servo switched off while the log runs",
    "standstill": "the arm stands still",
    "still_joint": "a joint that hardly moves",
    "limits": "positions outside the joint's limits",
    "no_velocity": "velocities were not recorded",
    "torque_side": "where the torque was measured, or whether it is a current",
    "model_order": "the torques belong to other joints or signs than the positions",
    "tool": "the load at the tool differs from the model's",
}
"""Every finding there is and what it means."""

NAMED = 5
"""Most stretches of rows named one by one in a sentence."""

Spans = tuple[tuple[int, int], ...]


class LogRefusedError(ForearmError):
    """A log that cannot be repaired."""

    def __init__(self, code: str, sentence: str) -> None:
        """Say why in a sentence; ``code`` is one of :data:`CODES`."""
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding about one log."""

    code: str
    """One of :data:`CODES`."""
    log: str
    """Which log."""
    rows: Spans = ()
    """First and last joint state concerned, from 0 as read; empty for the whole log."""
    action: Action = "noted"
    """What was done."""
    sentence: str = ""
    """The finding in words, with what was done."""

    def __str__(self) -> str:
        """Return the log's name and the sentence."""
        return f"{self.log}: {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        """Return the finding for a machine."""
        return {
            "code": self.code,
            "log": self.log,
            "rows": [list(span) for span in self.rows],
            "action": self.action,
            "sentence": self.sentence,
        }


def spans(index: NDArray[np.intp]) -> Spans:
    """Return (first, last) of each run of consecutive numbers in ``index``."""
    if not len(index):
        return ()
    parts = np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
    return tuple((int(part[0]), int(part[-1])) for part in parts)


def in_words(rows: Spans) -> str:
    """Return spans such as ``rows 3-7, 12 and 4 more stretches``."""
    shown = [f"{a}-{b}" if b > a else f"{a}" for a, b in rows[:NAMED]]
    more = f" and {len(rows) - NAMED} more stretches" if len(rows) > NAMED else ""
    plural = len(rows) > 1 or (bool(rows) and rows[0][1] > rows[0][0])
    return f"row{'s' if plural else ''} {', '.join(shown)}{more}"


@dataclass
class Patient:
    """A log on its way through the checks."""

    log: RunLog
    """As repaired so far."""
    robot: RobotSpec | None
    """The arm, where it is known."""
    findings: list[Finding] = field(default_factory=list)
    """What was found so far."""
    index: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """Row of each remaining joint state in the log as read."""

    def __post_init__(self) -> None:
        """Number the rows."""
        self.index = np.arange(len(self.log.time))

    @property
    def name(self) -> str:
        """Name of the log."""
        return str(self.log.meta.get("source", "log"))

    def note(
        self, code: str, sentence: str, action: Action = "noted", rows: Spans = ()
    ) -> None:
        """Add a finding."""
        self.findings.append(
            Finding(
                code=code, log=self.name, rows=rows, action=action, sentence=sentence
            )
        )

    def rows(self, flags: NDArray[np.bool_]) -> Spans:
        """Return the rows, as read, of the flagged joint states."""
        return spans(self.index[flags])

    def drop(self, flags: NDArray[np.bool_]) -> None:
        """Leave the flagged joint states out."""
        keep = ~flags
        log = self.log
        self.index = self.index[keep]
        part = {
            n: getattr(log, n)[keep] if len(getattr(log, n)) else getattr(log, n)
            for n in ("time", "position", "velocity", "effort")
        }
        signals = {n: s[keep] for n, s in log.signals.items()}
        self.change(**part, signals=signals)

    def change(self, **fields: Any) -> None:
        """Replace fields of the log."""
        self.log = RunLog(**{**self.log.__dict__, **fields})

    def refuse(self, code: str, sentence: str) -> LogRefusedError:
        """Return the error that refuses the log."""
        return LogRefusedError(code, f"{self.name}: {sentence}")
