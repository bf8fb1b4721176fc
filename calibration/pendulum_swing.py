"""The equation of a servo on a pendulum, stepped for every log and parameter set."""

from __future__ import annotations

import math

import numpy as np

from forearm.core.log import Floats

NUMBERS = (
    "drive",
    "kv",
    "armature",
    "viscous",
    "coulomb",
    "load_friction",
    "load_quadratic",
    "stribeck",
    "stribeck_velocity",
    "command_delay",
    "encoder_offset",
    "effort",
)
"""Rows of ``numbers``: torque per duty and volt [Nm/V], back-EMF and viscous friction
[Nm s/rad], armature [kg m^2], Coulomb and Stribeck friction [Nm], load friction [1 and
1/Nm], Stribeck velocity [rad/s], delay [s], encoder offset [rad], motor limit [Nm]."""


def swing(
    step: float,
    command: Floats,
    volts: Floats,
    on: Floats,
    logs: Floats,
    numbers: Floats,
    found: Floats,
) -> None:
    """Write what the encoder would read [rad], (sets, logs, steps).

    Backward Euler in all damping; friction holds whatever it can.

    Args:
        step: physics step [s].
        command: position commands [rad], (logs, steps).
        volts: supply [V], likewise.
        on: 1 where the torque is switched on, else 0.
        logs: start [rad], duty per error [1/rad], weight times lever [Nm] and inertia
            [kg m^2] of each log, (4, logs).
        numbers: :data:`NUMBERS`, (12, sets, logs).
        found: what is read.
    """
    last = command.shape[1] - 1
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            start, gain, weight, lever = logs[:, j]
            drive, kv, armature, viscous, coulomb, load, square = numbers[:7, i, j]
            stribeck, stribeck_velocity, delay, offset, limit = numbers[7:, i, j]
            inertia = (lever + armature) / step
            q, v = start - offset, 0.0
            for k in range(found.shape[2]):
                found[i, j, k] = q + offset
                place = min(max(k - delay / step, 0.0), last - 1e-3)
                low, part = int(place), place % 1.0
                wish = (1.0 - part) * command[j, low] + part * command[j, low + 1]
                duty = min(max(gain * (wish - q), -1.0), 1.0)
                torque = drive * duty * (volts[j, k] * on[j, k])
                damping = kv * on[j, k]
                if limit < math.inf:  # A limit of the motor acts on back-EMF, too.
                    torque = min(max(torque - damping * v, -limit), limit)
                    damping = 0.0
                size = abs(torque - damping * v)
                level = coulomb + size * (load + square * size)
                if stribeck > 0.0:
                    level += stribeck * np.exp(-min((v / stribeck_velocity) ** 2, 50.0))
                push = inertia * v + torque - weight * np.sin(q)
                held = min(max(push, -level), level)
                v = (push - held) / (inertia + damping + viscous)
                q += step * v
