"""Checks of single rows: corrupt, spikes, repeats, gaps, saturation, switched off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats

from .finding import Patient, in_words

BAD_SHARE = 0.05
"""Part of the rows that may be left out as corrupt; a log with more is refused."""

MOVING = 0.02
"""Joint speed above which an arm counts as moving [rad/s]."""

STILL_SHARE = 0.3
"""Part of a log at rest from which on it is worth saying."""

LEAST_TRAVEL = 0.02
"""Range below which nothing is learned about a joint [rad]."""

OFF_TIME = 0.2
"""Shortest stretch of zero torque that counts as switched off [s]."""

OFTEN = 0.2
"""Part of repeated states from which on the encoder is slower than the topic."""

FLAT = 5
"""Rows in a row at exactly one torque, the largest, that count as a limit."""

AT_LIMIT = 0.985
"""Part of the torque limit from which on a servo counts as saturated."""

SPIKE = 3.0
"""A row further from its neighbours than this many times the speed limit allows."""

Flags = NDArray[np.bool_]


def speed(position: Floats, time: Floats) -> Floats:
    """Return joint velocities [rad/s] by differences, (T, n)."""
    return np.asarray(np.gradient(position, time, axis=0))


def runs(flags: Any, least: int) -> Flags:
    """Return the flags that stand in runs of at least ``least``."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    found = np.zeros_like(flags)
    pairs = zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True)
    for first, stop in pairs:
        found[first:stop] = stop - first >= least
    return np.asarray(found, np.bool_)


def check_corrupt(patient: Patient) -> None:
    """Leave out rows that are not numbers, and say what the reader left out."""
    log = patient.log
    signals = [log.position, log.velocity, log.effort]
    bad = np.zeros(len(log.time), np.bool_)
    for rows in signals:
        if len(rows):
            bad |= ~np.isfinite(rows).all(axis=1)
    _few(patient, "corrupt_rows", bad, "are not numbers")
    sent = np.isfinite(log.command).all(axis=1)
    if not sent.all():
        patient.note(
            "corrupt_rows",
            f"{(~sent).sum()} commands are not numbers and are left out",
            "dropped",
        )
        patient.change(command_time=log.command_time[sent], command=log.command[sent])
    read = log.meta.get("corrupt_count", 0)
    if read:
        named = ", ".join(str(r) for r in log.meta.get("corrupt_rows", []))
        patient.note(
            "corrupt_rows",
            f"{read} rows of the file are ragged or no numbers (rows {named}"
            f"{', …' if read > len(log.meta.get('corrupt_rows', [])) else ''}) and "
            "were left out",
            "dropped",
        )
    for key, what in (("dropped_states", "states"), ("dropped_commands", "commands")):
        if log.meta.get(key):
            patient.note(
                "old_stamps",
                f"{log.meta[key]} {what} repeat an old stamp and were left out",
                "dropped",
            )


def _few(patient: Patient, code: str, bad: Flags, what: str) -> None:
    if not bad.any():
        return
    rows = patient.rows(bad)
    if bad.mean() > BAD_SHARE:
        raise patient.refuse(
            code,
            f"{bad.sum()} of {len(bad)} rows {what} (the first is row {rows[0][0]}), "
            f"more than {BAD_SHARE:.0%}; record the log again",
        )
    patient.note(code, f"{in_words(rows)} {what} and are left out", "dropped", rows)
    patient.drop(bad)


def check_spikes(patient: Patient) -> None:
    """Leave out single rows that no arm could reach and leave again in time."""
    log = patient.log
    if len(log.time) < 10:
        return
    middle = 0.5 * (log.position[2:] + log.position[:-2])
    away = np.abs(log.position[1:-1] - middle)
    step = (log.time[2:] - log.time[:-2])[:, None]
    across = np.abs(log.position[2:] - log.position[:-2])
    if patient.robot is not None:
        limit = patient.robot.vector("velocity")
    else:
        typical = np.percentile(np.abs(speed(log.position, log.time)), 95, axis=0)
        limit = 5.0 * typical + 0.5
    bad = np.zeros(len(log.time), np.bool_)
    # The neighbours agree with each other: a jump that stays is no spike.
    bad[1:-1] = ((away > SPIKE * limit * step) & (across < limit * step)).any(axis=1)
    _few(patient, "spikes", bad, "jump away and back faster than the arm can move")


def check_duplicates(patient: Patient) -> None:
    """Leave out states that repeat the one before, stamp aside, while moving."""
    log = patient.log
    same = np.zeros(len(log.time), np.bool_)
    same[1:] = (np.diff(log.position, axis=0) == 0).all(axis=1)
    for signal in (log.velocity, log.effort):
        if len(signal):
            same[1:] &= (np.diff(signal, axis=0) == 0).all(axis=1)
    nonzero = np.abs(np.diff(log.position, axis=0))
    quantum = nonzero[nonzero > 0].min(initial=np.inf)
    # A coarse encoder repeats itself: what counts is a step that is due.
    due = 3.0 * quantum / max(float(np.median(np.diff(log.time))), 1e-9)
    fast = np.abs(speed(log.position, log.time)).max(axis=1) > max(MOVING, due)
    bad = same & fast
    if bad.mean() > 0.01:
        rows = patient.rows(bad)
        often = bad.mean() > OFTEN
        why = "the topic is faster than the encoder" if often else "sent twice"
        patient.note(
            "duplicates",
            f"{bad.sum()} states ({bad.mean():.0%}) repeat the one before while the "
            f"arm moves ({in_words(rows)}) and are left out: {why}",
            "dropped",
            rows,
        )
        patient.drop(bad)


def check_gaps(patient: Patient) -> None:
    """Name stretches without states; windows never cross them."""
    time = patient.log.time
    steps = np.diff(time)
    period = float(np.median(steps))
    wide = steps > max(5 * period, 0.05)
    if wide.any():
        places = np.flatnonzero(wide)
        rows = tuple((int(patient.index[i]), int(patient.index[i + 1])) for i in places)
        patient.note(
            "gaps",
            f"{wide.sum()} gaps ({in_words(rows)}), the longest {steps.max():.2f} s; "
            "nothing is fitted across them",
            "noted",
            rows,
        )


def check_saturation(patient: Patient) -> None:
    """Name rows at the torque limit; leave out those at a limit nobody knows."""
    log, robot = patient.log, patient.robot
    if not len(log.effort):
        return
    size = np.abs(log.effort)
    known = np.zeros(size.shape, np.bool_)
    if robot is not None and log.effort_unit == "Nm":
        known = size >= AT_LIMIT * robot.vector("effort")
    at_limit = runs(known.any(axis=1), 3)
    if at_limit.any():
        rows = patient.rows(at_limit)
        patient.note(
            "saturation",
            f"{in_words(rows)}: torque at the arm's limit ({at_limit.mean():.1%} of "
            "the log); kept, the simulator has the same limit",
            "kept",
            rows,
        )
    moving = np.abs(speed(log.position, log.time)) > MOVING
    flat = np.zeros(len(size), np.bool_)
    for j in range(log.n):
        top = (size[:, j] >= size[:, j].max()) & (size[:, j] > 0) & ~known[:, j]
        flat |= runs(top, FLAT) & moving[:, j]
    if flat.any():
        rows = patient.rows(flat)
        patient.note(
            "saturation",
            f"{in_words(rows)}: torque stays at its largest value while the arm moves, "
            "a limit the model does not have; these rows are left out",
            "dropped",
            rows,
        )
        patient.drop(flat)


def check_switched_off(patient: Patient) -> None:
    """Name rows with the servo off; leave them out where the log has no switch."""
    log = patient.log
    switch = log.signals.get("torque_enable")
    if switch is not None:
        off = (switch == 0).any(axis=1)
        if off.any():
            rows = patient.rows(off)
            patient.note(
                "torque_off",
                f"{in_words(rows)}: torque is switched off ({off.mean():.0%} of the "
                "log); these rows stay, and a replay switches off at the same times",
                "kept",
                rows,
            )
        return
    if not len(log.effort) or not log.effort.any():
        return
    least = max(3, round(OFF_TIME / float(np.median(np.diff(log.time)))))
    off = runs((log.effort == 0).all(axis=1), least)
    if off.any():
        rows = patient.rows(off)
        patient.note(
            "torque_off",
            f"{in_words(rows)}: all torques are zero for longer than {OFF_TIME} s, the "
            "servos are off; these rows are left out",
            "dropped",
            rows,
        )
        patient.drop(off)


def check_motion(patient: Patient) -> None:
    """Say how much of the log is at rest and which joints hardly move."""
    log = patient.log
    if not len(log.velocity):
        patient.note("no_velocity", "no velocities, start speeds come from positions")
    still = np.abs(speed(log.position, log.time)).max(axis=1) < 0.01
    share = float(still.mean())
    if share > STILL_SHARE:
        patient.note(
            "standstill",
            f"the arm stands still {share:.0%} of the time, which tells nothing of "
            "friction and inertia",
            "noted",
            patient.rows(still),
        )
    _still_joints(patient)


def _still_joints(patient: Patient) -> None:
    moved = np.ptp(patient.log.position, axis=0)
    few = np.flatnonzero(moved < LEAST_TRAVEL)
    if not len(few):
        return
    names = [patient.log.joints[j] for j in few]
    low, high = 1e3 * moved[few].min(), 1e3 * moved[few].max()
    if len(few) == 1:
        text = f"{names[0]} moves only {high:.1f} mrad: nothing is learned about it"
    else:
        text = (
            f"{', '.join(names[:-1])} and {names[-1]} move only {low:.1f} to "
            f"{high:.1f} mrad: nothing is learned about them"
        )
    patient.note("still_joint", text)
