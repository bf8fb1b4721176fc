"""Timing: what a policy node measured about itself, as it stands in a log.

The node publishes it once a second as JSON on ``~/timing``. Counts run from the
activation on, so the last record of each run holds everything before it, and a log
that breaks off loses a second of it at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ForearmError
from .files import describe
from .histogram import Histogram, HistogramContent

FORMAT: Final = 1
"""Version of the record."""

TOPIC = "timing"
"""Name of the topic under the node's own."""

MEASURED = {
    "lateness": "wake-up after the deadline",
    "sensor_age": "joint state's stamp to its use",
    "state_age": "joint state's reception to its use",
    "inference": "one run of the policy",
    "work": "wake-up to the safe command",
    "publish": "publishing it",
    "command": "wake-up to the command published",
}
"""What the node measures [s], and what that is."""


class JointDifference(BaseModel):
    """How far one joint's command in shadow was from the one that drove [rad]."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    distance: HistogramContent
    """Of the absolute differences [rad]."""
    square_sum: float = Field(ge=0)
    """Of the squared differences [rad^2]."""

    def summary(self) -> dict[str, float]:
        """Return count, rms, p99 and max [rad]."""
        histogram = Histogram.from_content(self.distance)
        return {
            "count": histogram.count,
            "rms": math.sqrt(self.square_sum / max(histogram.count, 1)),
            "p99": histogram.quantile(0.99),
            "max": histogram.maximum,
        }


class TimingRecord(BaseModel):
    """One record."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: Literal[1] = FORMAT
    run: float
    """When the control loop was started, steady clock of the node's computer [s]."""
    control_dt: float = Field(gt=0)
    """Control period [s]."""
    ticks: int = Field(ge=0)
    """Periods run."""
    missed: int = Field(ge=0)
    """Periods missed."""
    other_clock: int = Field(default=0, ge=0)
    """Periods whose joint state had a stamp of another clock than the node's."""
    histograms: dict[str, HistogramContent] = Field(max_length=50)
    """By the names in :data:`MEASURED`."""
    driving: str = ""
    """Topic of the controller's commands that a node in shadow compares with."""
    differences: dict[str, JointDifference] = Field(
        default_factory=dict, max_length=200
    )
    """By joint, in shadow."""


def parse_timing(text: str) -> TimingRecord:
    """Return the record in one message.

    Raises:
        ForearmError: it is not one.
    """
    try:
        return TimingRecord.model_validate_json(text)
    except ValidationError as error:
        raise ForearmError(f"timing record: {describe(error)}") from error


class Measured:
    """All runs of a log together."""

    def __init__(self, records: Iterable[TimingRecord]) -> None:
        """Take the last record of each run, and merge the runs."""
        last = {record.run: record for record in records}
        self.runs = list(last.values())
        """The last record of each run."""
        self.histograms: dict[str, Histogram] = {}
        """By name; what was never counted is missing."""
        for record in self.runs:
            for name, content in record.histograms.items():
                histogram = self.histograms.setdefault(name, Histogram())
                histogram.merge(Histogram.from_content(content))
        self.histograms = {n: h for n, h in self.histograms.items() if h.count}
        self.ticks = sum(r.ticks for r in self.runs)
        """Periods run."""
        self.missed = sum(r.missed for r in self.runs)
        """Periods missed."""
        self.other_clock = sum(r.other_clock for r in self.runs)
        """Periods whose joint state had a stamp of another clock than the node's."""
        self.control_dt = self.runs[-1].control_dt if self.runs else 0.0
        """Control period of the last run [s]; 0 without one."""

    @property
    def missed_share(self) -> float:
        """Part of all periods that were missed."""
        return self.missed / max(self.ticks + self.missed, 1)
