"""Latency: what a log measured of delays, as ranges that training draws from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forearm.core.histogram import Histogram
from forearm.core.log import RunLog
from forearm.core.timing import Measured
from forearm.sim.distributions import Uniform
from forearm.sim.quantities import QUANTITIES
from forearm.sim.randomization import Randomization
from forearm.sim.terms import Absolute, Term

from .motion_delay import MotionDelay

EXPONENTIAL = 3.912
"""99th percentile less median of an exponential distribution of mean 1, ln 50."""

SMALLEST = {
    "command_delay": 1e-4,
    "sensor_delay": 1e-4,
    "command_jitter": 1e-4,
    "command_drop": 1e-3,
    "period_jitter": 5e-3,
}
"""What is less than this at most moves no arm and is left out."""


@dataclass(frozen=True)
class Latency:
    """All that one log says."""

    measured: Measured
    """By the node itself; empty where the log holds none."""
    motion: MotionDelay | None
    """From the command to the motion, by the log or a calibration."""
    state_age: float | None = None
    """From a state's stamp to its recording [s], where stamps say when it was."""

    @classmethod
    def of(cls, log: RunLog, measured: Measured, motion: MotionDelay | None) -> Latency:
        """Combine what a log and its node say."""
        age = log.meta.get("state_age")
        return cls(measured, motion, float(age) if isinstance(age, float) else None)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return lowest and highest of every quantity that the log speaks of.

        * ``command_delay``: from the wake-up to the motion, 5th to 95th percentile of
          the parts of the log, and the node's own median work.
        * ``sensor_delay``: from the stamp to the use, 1st to 99th percentile.
        * ``command_jitter``: mean of an exponential delay with the spread of the
          node's work between its median and its 99th percentile.
        * ``period_jitter``: 99th percentile of the lateness over the period.
        * ``command_drop``: share of the missed periods.
        """
        found = self.measured.histograms
        own = found.get("command", Histogram())
        late = found.get("lateness", Histogram())
        typical = own.quantile(0.5)
        ranges = {
            "command_jitter": (0.0, (own.quantile(0.99) - typical) / EXPONENTIAL),
            "command_drop": (0.0, self.measured.missed_share),
        }
        if self.motion is not None:
            low, high = (typical + self.motion.quantile(q) for q in ENDS)
            ranges["command_delay"] = (low, high)
        if self.measured.control_dt:
            jitter = late.quantile(0.99) / self.measured.control_dt
            ranges["period_jitter"] = (0.0, jitter)
        if "sensor_age" in found:
            age = found["sensor_age"]
            ranges["sensor_delay"] = (age.quantile(0.01), age.quantile(0.99))
        elif self.state_age is not None:
            ranges["sensor_delay"] = (self.state_age, self.state_age)
        return {name: _physical(name, *r) for name, r in ranges.items()}

    def randomization(self, base: Randomization, robot: str | None) -> Randomization:
        """Return ``base`` with the delays of the log in place of its own."""
        terms: dict[str, Term] = dict(base.terms)
        for name, (low, high) in self.ranges().items():
            terms.pop(name, None)
            if high >= SMALLEST[name]:
                terms[name] = Absolute(Uniform(low, high))
        return Randomization(terms, base.posterior, "latency", robot or base.robot)

    @property
    def method(self) -> str:
        """How the delay from command to motion was found."""
        if self.motion is None:
            return "not known"
        if self.motion.calibrated:
            return "calibration"
        return f"servo's law, which explains {self.motion.explained:.0%} of the motion"

    def notes(self) -> dict[str, Any]:
        """Return where the numbers come from, for the file."""
        return {
            "runs": len(self.measured.runs),
            "periods": self.measured.ticks,
            "motion_delay_s": self.motion and self.motion.delay,
            "motion_method": self.method,
        }


ENDS = (0.05, 0.95)
"""Quantiles over the parts of the log that the command delay ranges between."""


def _physical(name: str, low: float, high: float) -> tuple[float, float]:
    quantity = QUANTITIES[name]
    low = min(max(low, quantity.minimum), quantity.maximum)
    high = min(max(high, low), quantity.maximum)
    # An interval of no width is no distribution.
    return low, max(high, low + 1e-6)
