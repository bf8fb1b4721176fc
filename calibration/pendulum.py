"""Servo on a pendulum: many parameter sets over whole logs, open loop, in numpy.

One joint needs no rigid-body engine: the equation is written out and stepped for every
log and parameter set at once. Backward Euler in all damping, friction as a cone that
holds still whatever it can: the scheme of MuJoCo's ``implicitfast`` with
``frictionloss``, but with a friction level that follows load and speed.

    torque = kt / R (duty V - kt v), duty = clip(gain (command - position), -1, 1)
    level  = coulomb + load |torque| + quadratic torque^2 + stribeck exp(-(v / v_s)^2)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.robots.xl330 import P_GAIN, VOLTAGE, duty_gain
from forearm.sim.model import GRAVITY

STEP = 0.004
"""Physics step [s]; half of it changes the error of a log by less than 1 mrad."""

SMOOTH = 5
"""First samples whose mean is the start position."""

NUMBERS = ("mass", "length", "kp", "vin")
"""Fields of a log's header that are needed: kg, m, firmware P gain, V."""


def bench_header(log: RunLog) -> dict[str, float]:
    """Return mass, length, P gain and supply of a bench log.

    Raises:
        ForearmError: a number is missing or not positive.
    """
    header = log.meta.get("header", {})
    name = log.meta.get("source", "log")
    for key in NUMBERS:
        value = header.get(key)
        if not isinstance(value, int | float) or not 0 < value < 1e6:
            raise ForearmError(
                f"{name}: header field {key!r} is {value!r}; a servo bench log needs "
                f"positive {', '.join(NUMBERS)}"
            )
    return {key: float(header[key]) for key in NUMBERS}


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
            [[h[key] for key in NUMBERS] for h in headers]
        ).T
        gain = gain if p_gains is None else np.array(p_gains)
        self._duty = np.array([duty_gain(g) for g in gain])
        self._weight, self._inertia = mass * GRAVITY * length, mass * length**2
        longest = max(log.duration for log in self.logs)
        self.time = np.arange(int(longest / STEP) + 2) * STEP
        columns = [self._inputs(log, v) for log, v in zip(logs, supply, strict=True)]
        self._command, self._volts, self._on = np.stack(columns, axis=2)
        self._target = [log.position[:, 0] for log in self.logs]
        self._start = np.array([log.position[:SMOOTH].mean() for log in self.logs])

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
        """Return what the encoder would read [rad], (steps, sets, logs).

        Args:
            values: parameters by name, (sets, 1) each, or (sets, logs) where every
                log has its own; what is missing is zero.
                ``kp`` [Nm/rad] and ``kv`` [Nm s/rad] hold at the P gain and the
                supply of :mod:`forearm.core.robots.xl330`; ``effort`` limits the
                motor's torque [Nm].
        """
        sets = len(values["kp"])
        zero = np.zeros((sets, 1))
        limit = values.get("effort")
        get = {name: values.get(name, zero) for name in _USED}
        drive = get["kp"] / duty_gain(P_GAIN) / VOLTAGE
        offset, inertia = get["encoder_offset"], self._inertia + get["armature"]
        command = self._delayed(get["command_delay"])
        q = self._start - offset
        v = np.zeros_like(q)
        found = np.empty((len(self.time), *q.shape))
        for k in range(len(self.time)):
            found[k] = q
            duty = np.minimum(np.maximum(self._duty * (command[k] - q), -1), 1)
            kv = get["kv"] * self._on[k]
            torque = drive * duty * (self._volts[k] * self._on[k])
            if limit is not None:
                torque = np.minimum(np.maximum(torque - kv * v, -limit), limit)
                kv = 0.0 * kv
            load = np.abs(torque - kv * v)
            level = get["coulomb"] + load * (
                get["load_friction"] + get["load_quadratic"] * load
            )
            if "stribeck" in values:
                speed = v / values["stribeck_velocity"]
                level = level + get["stribeck"] * np.exp(-np.minimum(speed**2, 50))
            push = inertia / STEP * v + torque - self._weight * np.sin(q)
            hold = np.minimum(np.maximum(push, -level), level)
            v = (push - hold) / (inertia / STEP + kv + get["viscous"])
            q = q + STEP * v
        return found + offset

    def _delayed(self, delay: Floats) -> Floats:
        place = (self.time[:, None, None] - delay) / STEP
        place = np.clip(place, 0, len(self.time) - 1.001)
        low, log = place.astype(np.intp), np.arange(len(self.logs))
        part = place - low
        before, after = self._command[low, log], self._command[low + 1, log]
        return np.asarray((1 - part) * before + part * after)

    def at_samples(self, found: Floats) -> list[Floats]:
        """Return :meth:`run`'s result at the stamps of each log, (sets, samples)."""
        rows = []
        for j, log in enumerate(self.logs):
            place = (log.time - log.time[0]) / STEP
            low = np.minimum(place.astype(np.intp), len(self.time) - 2)
            part = (place - low)[:, None]
            rows.append(((1 - part) * found[low, :, j] + part * found[low + 1, :, j]).T)
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


_USED = (
    "kp",
    "kv",
    "armature",
    "viscous",
    "coulomb",
    "load_friction",
    "load_quadratic",
    "stribeck",
    "command_delay",
    "encoder_offset",
)
