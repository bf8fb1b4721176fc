"""Servo on a pendulum: many parameter sets over whole logs, open loop.

One joint needs no rigid-body engine: the equation is written out and stepped in machine
code (:mod:`forearm.calibration.pendulum_swing`). Backward Euler in all damping,
friction as a cone that holds whatever it can: the scheme of MuJoCo's ``implicitfast``
with ``frictionloss``, but with a friction level that follows load and speed.

    torque = kt / R (duty V - kt v), duty = clip(gain (command - position), -1, 1)
    level  = coulomb + load |torque| + quadratic torque^2 + stribeck exp(-(v / v_s)^2)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.robots.xl330 import P_GAIN, VOLTAGE, duty_gain
from forearm.sim.kernels import compiled
from forearm.sim.model import GRAVITY

from .pendulum_swing import NUMBERS, swing

STEP = 0.004
"""Physics step [s]; half of it changes the error of a log by less than 1 mrad."""

SMOOTH = 5
"""First samples whose mean is the start position."""

HEADER = ("mass", "length", "kp", "vin")
"""Fields of a log's header that are needed: kg, m, firmware P gain, V."""

MISSING = {"effort": math.inf, "stribeck_velocity": 1.0}
"""Values of what is not given; of the rest it is zero."""


def bench_header(log: RunLog) -> dict[str, float]:
    """Return mass, length, P gain and supply of a bench log.

    Raises:
        ForearmError: a number is missing or not positive.
    """
    header = log.meta.get("header", {})
    name = log.meta.get("source", "log")
    for key in HEADER:
        value = header.get(key)
        if not isinstance(value, int | float) or not 0 < value < 1e6:
            raise ForearmError(
                f"{name}: header field {key!r} is {value!r}; a servo bench log needs "
                f"positive {', '.join(HEADER)}"
            )
    return {key: float(header[key]) for key in HEADER}


class Bench:
    """Simulates every log under every parameter set."""

    def __init__(
        self, logs: Sequence[RunLog], p_gains: Sequence[float] | None = None
    ) -> None:
        """Sample commands, supply and torque switch of the logs.

        Args:
            logs: bench logs of one joint.
            p_gains: other firmware gains than the headers', one each.

        Raises:
            ForearmError: a header lacks a number, or a log has no commands.
        """
        self.logs = list(logs)
        headers = [bench_header(log) for log in logs]
        mass, length, gain, supply = np.array(
            [[h[key] for key in HEADER] for h in headers]
        ).T
        gain = gain if p_gains is None else np.array(p_gains)
        longest = max(log.duration for log in self.logs)
        self.time = np.arange(int(longest / STEP) + 2) * STEP
        columns = [self._inputs(log, v) for log, v in zip(logs, supply, strict=True)]
        self._command, self._volts, self._on = np.stack(columns, axis=1)
        self._target = [log.position[:, 0] for log in self.logs]
        start = [log.position[:SMOOTH].mean() for log in self.logs]
        duty = [duty_gain(g) for g in gain]
        weight = mass * GRAVITY * length
        self._of_logs = np.array([start, duty, weight, mass * length**2])

    def _inputs(self, log: RunLog, supply: float) -> Floats:
        if len(log.command_time) < 2:
            raise ForearmError(f"{log.meta.get('source', 'log')}: holds no commands")
        now = self.time + log.time[0]
        volts = np.full(now.shape, supply)
        if "input_volts" in log.signals:
            volts = np.interp(now, log.time, log.signals["input_volts"][:, 0])
        on = np.ones(now.shape)
        if "torque_enable" in log.signals:
            on = np.interp(now, log.time, log.signals["torque_enable"][:, 0]) > 0.5
        return np.stack(
            [np.interp(now, log.command_time, log.command[:, 0]), volts, on]
        )

    def run(self, values: Mapping[str, Floats]) -> Floats:
        """Return what the encoder would read [rad], (sets, logs, steps).

        Args:
            values: parameters by name, (sets, 1) each, or (sets, logs) where every
                log has its own; what is missing is zero.
                ``kp`` [Nm/rad] and ``kv`` [Nm s/rad] hold at the P gain and the
                supply of :mod:`forearm.core.robots.xl330`; ``effort`` limits the
                motor's torque [Nm].
        """
        given = {**values, "drive": values["kp"] / duty_gain(P_GAIN) / VOLTAGE}
        shape = (len(values["kp"]), len(self.logs))
        numbers = np.zeros((len(NUMBERS), *shape))
        for row, name in zip(numbers, NUMBERS, strict=True):
            row[:] = given.get(name, np.full(1, MISSING.get(name, 0.0)))
        found = np.empty((*shape, len(self.time)))
        inputs = self._command, self._volts, self._on
        compiled(swing)(STEP, *inputs, self._of_logs, numbers, found)
        return found

    def at_samples(self, found: Floats) -> list[Floats]:
        """Return :meth:`run`'s result at the stamps of each log, (sets, samples)."""
        rows = []
        for j, log in enumerate(self.logs):
            whole = found[:, j]
            place = (log.time - log.time[0]) / STEP
            low = np.minimum(place.astype(np.intp), len(self.time) - 2)
            part = place - low
            rows.append((1 - part) * whole[:, low] + part * whole[:, low + 1])
        return rows

    def aim(self, position: list[Floats]) -> None:
        """Measure errors against other positions [rad] than the logs', (samples,)."""
        self._target = position

    def errors(self, values: Mapping[str, Floats]) -> Floats:
        """Return the mean absolute position error [rad], (sets, logs)."""
        rows = self.at_samples(self.run(values))
        parts = [
            np.abs(r - target).mean(axis=1)
            for r, target in zip(rows, self._target, strict=True)
        ]
        return np.stack(parts, axis=1)
