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
    steps = np.diff(log.time)
    patient.note(
        "summary",
        f"{log.duration:.1f} s of joint states at {1 / float(np.median(steps)):.0f} Hz,"
        f" {len(log.command_time)} commands",
    )
    for check in CHECKS:
        check(patient)
        if len(patient.log.time) < LEAST_STATES:
            raise patient.refuse("summary", "hardly any joint state is usable")
    return Checkup(patient.log, patient.findings)
