"""Checks between signals: units, order of joints, signs, clocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from forearm.core.log import Floats, RunLog

from .doctor_rows import speed
from .finding import Patient

DEGREE = 180.0 / np.pi
"""A radian in degrees; ratios within a factor of 3 of it are a unit mistake."""

APART = 0.1
"""Distance from which on two columns are not the same joint [rad]."""

Signed = tuple[NDArray[np.intp], Floats]
"""For each joint the column that belongs to it and the sign."""


def commands_at(log: RunLog, shift: float = 0.0) -> Floats:
    """Return the command in force at each joint state [rad], (T, n)."""
    place = np.searchsorted(log.command_time + shift, log.time, "right") - 1
    return np.asarray(log.command[np.maximum(place, 0)])


def _spread(rows: Floats) -> float:
    return float(np.sqrt(rows.var(axis=0).sum()))


def _factor(ratio: float) -> float:
    """Return 180/pi or pi/180 where ``ratio`` is nearest to one of them, else 1."""
    for factor in (DEGREE, 1 / DEGREE):
        if abs(np.log(ratio / factor)) < np.log(3.0):
            return factor
    return 1.0


def _outside(patient: Patient, position: Floats) -> bool:
    robot = patient.robot
    if robot is None:
        return bool(np.abs(position).max() > 6 * np.pi)
    room = 0.1 * (robot.upper - robot.lower)
    low, high = robot.lower - room, robot.upper + room
    return bool(((position < low) | (position > high)).any())


def check_units(patient: Patient) -> None:
    """Convert signals that are in degrees or were converted twice.

    Positions are held against the limits, velocities against the slope of the
    positions and commands against the positions.
    """
    log = patient.log
    moved = _spread(log.position)
    slope = _spread(speed(log.position, log.time))
    if moved == 0 or slope == 0:
        return
    rates = [1.0, 1.0]
    if len(log.velocity) and log.velocity.any():
        rates[0] = _factor(max(_spread(log.velocity), 1e-12) / slope)
    if len(log.command) > 1 and np.ptp(log.command, axis=0).any():
        rates[1] = _factor(_spread(log.command) / moved)
    scale = _position_scale(patient, rates)
    for name, factor in (
        ("position", scale),
        ("velocity", scale / rates[0]),
        ("command", scale / rates[1]),
    ):
        rows = getattr(log, name)
        if not len(rows) or abs(np.log(factor)) < 1e-9:
            continue
        factor = 1 / DEGREE if factor < 1 else DEGREE
        why = "in degrees" if factor < 1 else "converted from degrees twice"
        patient.note(
            "units",
            f"{name} is {why}: all rows are multiplied by {factor:.5g}",
            "converted",
        )
        patient.change(**{name: rows * factor})
    if _outside(patient, patient.log.position):
        _limits(patient)


def _position_scale(patient: Patient, rates: list[float]) -> float:
    position = patient.log.position
    if _outside(patient, position) and not _outside(patient, position / DEGREE):
        return 1 / DEGREE
    # Velocity and command agree with each other and not with the positions.
    together = [rate for rate in rates if rate != 1.0]
    if len(together) == 2 and rates[0] == rates[1]:
        return rates[0]
    if rates[0] == DEGREE and len(patient.log.command) < 2:
        return DEGREE if not _outside(patient, position * DEGREE) else 1.0
    return 1.0


def _limits(patient: Patient) -> None:
    robot, position = patient.robot, patient.log.position
    if robot is None:
        return
    over = np.maximum(position - robot.upper, robot.lower - position).max(axis=0)
    worst = int(np.argmax(over))
    if over[worst] > np.pi:
        raise patient.refuse(
            "limits",
            f"{robot.joint_names[worst]} lies {over[worst]:.1f} rad outside its limits "
            f"[{robot.lower[worst]:.2f}, {robot.upper[worst]:.2f}] in radians and in "
            "degrees; check --robot, the unit and the column map",
        )
    patient.note(
        "limits",
        f"{robot.joint_names[worst]} lies up to {over[worst]:.2f} rad outside its "
        "limits; kept",
        "kept",
    )


def check_columns(patient: Patient) -> None:
    """Put columns in order and signs right where two signals show the third wrong."""
    log = patient.log
    identity = (np.arange(log.n), np.ones(log.n))
    by_command = by_velocity = identity
    if len(log.command) > 1:
        by_command = _match_command(log)
    if len(log.velocity):
        by_velocity = _match_velocity(log)
    if _same(by_command, by_velocity) and not _same(by_command, identity):
        # Two against one: the positions are the odd signal.
        order = np.argsort(by_command[0])
        _apply(patient, "position", (order, by_command[1][order]))
        return
    for name, match in (("command", by_command), ("velocity", by_velocity)):
        if not _same(match, identity):
            _apply(patient, name, match)


def _same(a: Signed, b: Signed) -> bool:
    return bool((a[0] == b[0]).all() and (a[1] == b[1]).all())


def _apply(patient: Patient, name: str, match: Signed) -> None:
    log = patient.log
    order, sign = match
    moved = np.flatnonzero(order != np.arange(log.n))
    if len(moved):
        pairs = ", ".join(f"{log.joints[order[j]]} -> {log.joints[j]}" for j in moved)
        patient.note(
            "joint_order",
            f"columns of {name} are in another order than the joints'; put right in "
            f"all rows ({pairs})",
            "reordered",
        )
    flipped = [log.joints[j] for j in np.flatnonzero(sign < 0)]
    if flipped:
        patient.note(
            "sign",
            f"{name} of {', '.join(flipped)} runs against the other signals; its sign "
            "is turned in all rows",
            "converted",
        )
    patient.change(**{name: getattr(log, name)[:, order] * sign})


def _match_command(log: RunLog) -> Signed:
    sent = commands_at(log)
    valid = log.time >= log.command_time[0]
    if valid.sum() < 10:
        return np.arange(log.n), np.ones(log.n)
    p, c = log.position[valid][:, :, None], sent[valid][:, None, :]
    same = np.sqrt(((p - c) ** 2).mean(axis=0))
    against = np.sqrt(((p + c) ** 2).mean(axis=0))
    cost = np.minimum(same, against)
    _, order = linear_sum_assignment(cost)
    joints = np.arange(log.n)
    here, there = np.diag(same), cost[joints, order]
    # Only where the evidence is large; else a slow servo would be reordered.
    clear = (here > APART) & (there < 0.3 * here)
    if clear.any():
        closed = np.isin(order[clear], joints[clear]).all()
        order = np.where(clear & closed, order, joints)
    else:
        order = joints
    sign = np.where(
        clear & (against[joints, order] < 0.3 * same[joints, order]), -1.0, 1.0
    )
    return order, sign


def _match_velocity(log: RunLog) -> Signed:
    slope = speed(log.position, log.time)
    joints = np.arange(log.n)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = np.corrcoef(slope.T, log.velocity.T)[: log.n, log.n :]
    table = np.nan_to_num(table)
    _, order = linear_sum_assignment(-np.abs(table) - 0.05 * np.eye(log.n))
    clear = (np.abs(table[joints, order]) > 0.8) & (np.diag(table) < 0.6)
    closed = np.isin(order[clear], joints[clear]).all()
    order = np.where(clear & closed, order, joints)
    sign = np.where(table[joints, order] < -0.8, -1.0, 1.0)
    return order, sign
