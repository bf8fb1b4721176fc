"""What is wrong with a log, in words, before anything is fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forearm.core.log import RunLog
from forearm.core.robot import RobotSpec

from .doctor_clock import check_clock
from .doctor_rows import (
    check_corrupt,
    check_duplicates,
    check_gaps,
    check_motion,
    check_saturation,
    check_spikes,
    check_switched_off,
)
from .doctor_signals import check_columns, check_units
from .doctor_torque import check_torque
from .finding import Finding, Patient

LEAST_STATES = 10
"""Fewer joint states are no log."""

UNEVEN = 1.15
"""Steps between states that differ by more than this factor are worth saying; the
stamps stay as they are."""

CHECKS = (
    check_corrupt,
    check_units,
    check_spikes,
    check_columns,
    check_clock,
    check_duplicates,
    check_switched_off,
    check_saturation,
    check_gaps,
    check_motion,
    check_torque,
)
"""In this order: each may rely on what those before have put right."""


@dataclass(frozen=True)
class Checkup:
    """A log after the doctor."""

    log: RunLog
    """What may be fitted to."""
    findings: list[Finding]
    """What was found and done."""


def check_log(log: RunLog, robot: RobotSpec | None = None) -> Checkup:
    """Examine a log, repair what is certain and say what was done.

    Args:
        log: as read; it is not changed.
        robot: the arm, for limits and rigid-body torques; joints are mapped by name.

    Raises:
        LogRefusedError: something is wrong that cannot be repaired.
        MismatchError: the log is of other joints.
    """
    patient = Patient(log if robot is None else log.select(robot.joint_names), robot)
    if len(log.time) < LEAST_STATES:
        raise patient.refuse("summary", f"{len(log.time)} joint states are too few")
    patient.note("summary", f"{_rate(log)}, {_held(log)}")
    for check in CHECKS:
        check(patient)
        if len(patient.log.time) < LEAST_STATES:
            raise patient.refuse("summary", "hardly any joint state is usable")
    return Checkup(patient.log, patient.findings)


def _rate(log: RunLog) -> str:
    steps = np.diff(log.time)
    rate = len(steps) / max(log.duration, 1e-9)
    text = f"{log.duration:.1f} s of joint states at {rate:.0f} Hz on average"
    low, high = 1e3 * np.quantile(steps, [0.05, 0.95])
    if high > UNEVEN * low:
        text += f", unevenly every {max(low, 0.0):.2g} to {high:.2g} ms"
    return text


def _held(log: RunLog) -> str:
    commands = len(log.command_time)
    held = f"{commands} commands" if commands else "no commands"
    kinds = {"Nm": "joint torques", "A": "motor currents"}
    return f"{held}, {kinds[log.effort_unit]}" if len(log.effort) else held
