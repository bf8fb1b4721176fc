"""Distribution shift: does the arm sense what the policy was trained on?

An element is *outside* in a period when it lies beyond the band that training saw by
more than a tenth of it. The band of an input is its whole range: where the arm is and
where it shall go stays the same for seconds, so a tail of it is no news. The band of
the servo error is its middle 98 %: it comes and goes within a motion. Single periods
outside are part of any run, so the inputs count as *shifted* only where an element was
outside for most of the last second, or is so far out that training cannot have seen
anything like it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forearm.core.contract import Contract
from forearm.core.training_range import SERVO, SERVO_NEEDS, TrainingRange, servo_error

from .faults import Fault, Problem

TAIL = 0.01
"""Part of the training's servo errors that is cut off at either end."""

MARGIN = 0.1
"""Part of the remaining range that an element may lie beyond it."""

MOST = 0.5
"""Part of the recent time outside at which an element counts as shifted."""

RECENT = 1.0
"""Time constant of what is recent [s]."""

FAR = 1.0
"""Ranges beyond the smallest or largest training value that are out at once."""


class ShiftWatch:
    """Compares what the policy senses with what the bundle says of its training."""

    def __init__(self, contract: Contract) -> None:
        """Take the training ranges of a ``contract``; inputs without one pass."""
        bands = _bands(contract)
        self._names = list(bands)
        self._lag = _lag(contract) if SERVO in bands else None
        self.elements = [f"{n}[{i}]" for n, b in bands.items() for i in range(len(b))]
        """Name of every element that is compared."""
        table = np.concatenate([*bands.values(), np.zeros((0, 4))])
        self._low, self._high, self._least, self._most = table.T
        self._gain = min(contract.control_dt / RECENT, 1.0)
        self._recent = np.zeros(len(table))
        self.counts = np.zeros(len(table), int)
        """Periods in which each element was outside."""
        self.checked = self.astray = self.shifted = 0
        """Periods looked at, with some element outside, and shifted."""
        self.outside = False
        """Whether the inputs were shifted in the last period."""

    def check(self, inputs: Mapping[str, NDArray[np.float32]]) -> Problem | None:
        """Return what is shifted for good, if anything; called once a period."""
        self.checked, self.outside = self.checked + 1, False
        if not self._names:
            return None
        found = [inputs[name][0] for name in self._names if name != SERVO]
        if self._lag is not None:
            q, command, v = (inputs[name][0] for name in SERVO_NEEDS)
            found.append(servo_error(q, command, v, self._lag))
        value = np.concatenate(found)
        out = (value < self._low) | (value > self._high)
        self._recent += self._gain * (out - self._recent)
        if not out.any() and not (self._recent > MOST).any():
            return None
        self.counts += out
        self.astray += int(out.any())
        far = (value < self._least) | (value > self._most)
        worst = int(np.argmax(np.where(far, 2.0, self._recent)))
        if not far[worst] and self._recent[worst] <= MOST:
            return None
        self.shifted, self.outside = self.shifted + 1, True
        return Problem(
            Fault.DISTRIBUTION,
            f"{self.elements[worst]} is {value[worst]:.3g}, training saw "
            f"{self._low[worst]:.3g} to {self._high[worst]:.3g}",
        )

    @property
    def share(self) -> float:
        """Part of the periods in which some element was outside."""
        return self.astray / max(self.checked, 1)

    def worst(self, count: int = 3) -> dict[str, float]:
        """Return the elements that were outside most, with their part of the time."""
        order = np.argsort(-self.counts, kind="stable")[:count]
        share = self.counts / max(self.checked, 1)
        return {self.elements[k]: float(share[k]) for k in order if self.counts[k]}


def _lag(contract: Contract) -> NDArray[np.float64]:
    assert contract.training is not None
    return np.array(contract.training.lag)


def _bands(contract: Contract) -> dict[str, NDArray[np.float64]]:
    """Return low, high and the far bounds of each element, (size, 4) per name."""
    training, known = contract.training, {i.name for i in contract.inputs}
    if training is not None:
        names = [name for name in training.quantiles if name in known]
        if SERVO in training.quantiles and set(SERVO_NEEDS) <= known:
            names.append(SERVO)  # The last one, as in check.
        return {name: _band(*_quantiles(training, name)) for name in names}
    bands = {}
    for entry in contract.inputs:
        if entry.low is not None and entry.high is not None:
            low, high = np.array(entry.low), np.array(entry.high)
            bands[entry.name] = _band(low, high, low, high)
    return bands


def _quantiles(training: TrainingRange, name: str) -> list[NDArray[np.float64]]:
    tail = TAIL if name == SERVO else 0.0
    return [training.at(name, p) for p in (tail, 1 - tail, 0.0, 1.0)]


def _band(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    least: NDArray[np.float64],
    most: NDArray[np.float64],
) -> NDArray[np.float64]:
    slack, far = MARGIN * (high - low), FAR * (most - least)
    return np.stack([low - slack, high + slack, least - far, most + far], axis=1)
