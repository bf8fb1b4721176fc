"""Checks of torques against the rigid-body model: side, sign, order, tool."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec
from forearm.sim.model import FieldMap, build_model

from .finding import Patient

Flags = NDArray[np.bool_]

SAMPLES = 300
"""States the torques are compared at; more change nothing."""

SMOOTH = 0.06
"""Width of the mean that all signals are filtered with [s]."""

SLOW = 0.02
"""Below this speed the sign of friction is unknown [rad/s]."""

LOADED = 0.01
"""A joint's rigid-body torque has to vary by this part of its limit to judge it."""

POOR, GOOD = 0.5, 0.85
"""Explained part of the torques: below the first wrong, above the second right."""

LEAST_LOAD = 0.15
"""Difference of load that is worth saying [kg]."""

NARROW = 7.0
"""The classical sigma of a torque fit is about this many times too small; measured
on repeated logs of one UR10e."""


@dataclass(frozen=True)
class Torques:
    """A few states of a log with their measured and rigid-body torques, (k, n)."""

    position: Floats
    velocity: Floats
    acceleration: Floats
    effort: Floats
    rigid: Floats


def inverse(
    robot: RobotSpec,
    position: Floats,
    velocity: Floats,
    acceleration: Floats,
    payload: tuple[float, tuple[float, float, float]] = (0.0, (0.0, 0.0, 0.0)),
) -> Floats:
    """Return rigid-body torques [Nm] (k, n) without friction and armature.

    Args:
        robot: the arm.
        position: [rad], (k, n).
        velocity: [rad/s], (k, n).
        acceleration: [rad/s^2], (k, n).
        payload: mass [kg] and centre of mass [m] at the tool.
    """
    values = {k: np.zeros(robot.n) for k in ("armature", "viscous", "coulomb")}
    values["payload_mass"] = np.array([payload[0]])
    values["payload_com"] = np.array(payload[1])
    model = build_model(robot, values)
    flags = mujoco.mjtDisableBit
    model.opt.disableflags |= flags.mjDSBL_CONTACT | flags.mjDSBL_LIMIT
    fields, data = FieldMap(model, robot), mujoco.MjData(model)
    torque = np.empty_like(position)
    for i in range(len(position)):
        data.qpos[fields.qpos] = position[i]
        data.qvel[fields.dof] = velocity[i]
        data.qacc[fields.dof] = acceleration[i]
        mujoco.mj_inverse(model, data)
        torque[i] = data.qfrc_inverse[fields.dof]
    return torque


def sample(robot: RobotSpec, log: RunLog) -> Torques:
    """Return states with motion, their torques and the model's."""
    velocity = log.velocity
    if not len(velocity):
        velocity = np.gradient(log.position, log.time, axis=0)
    acceleration = np.gradient(velocity, log.time, axis=0)
    # All signals through one filter, so that they stay of one motion; it removes the
    # ripple of commands that come in steps.
    width = max(1, round(SMOOTH / float(np.median(np.diff(log.time)))))
    kernel = np.ones(width) / width
    position, velocity, acceleration, effort = (
        np.stack([np.convolve(c, kernel, "same") for c in rows.T], axis=1)
        for rows in (log.position, velocity, acceleration, log.effort)
    )
    moving = np.flatnonzero((np.abs(velocity) > SLOW).any(axis=1))
    moving = moving[(moving > width) & (moving < len(log.time) - width)]
    rows = moving[np.unique(np.linspace(0, len(moving) - 1, SAMPLES).astype(int))]
    states = (position[rows], velocity[rows], acceleration[rows])
    return Torques(*states, effort[rows], inverse(robot, *states))


def _design(t: Torques, j: int) -> Floats:
    v = t.velocity[:, j]
    return np.stack([t.acceleration[:, j], v, np.tanh(v / SLOW), 0 * v + 1], axis=1)


def _explained(t: Torques) -> tuple[float, Floats]:
    """Return the part of the torques' power explained by the rigid body, and gains.

    Power that armature, friction and offset of a joint can explain counts for neither.
    """
    gains, power, rest = np.zeros(t.effort.shape[1]), 0.0, 0.0
    for j in range(len(gains)):
        q, _ = np.linalg.qr(_design(t, j))
        effort, rigid = t.effort[:, j], t.rigid[:, j]
        effort, rigid = effort - q @ (q.T @ effort), rigid - q @ (q.T @ rigid)
        gains[j] = effort @ rigid / max(float(rigid @ rigid), 1e-12)
        # A negative gain explains nothing.
        left = effort - max(gains[j], 0.0) * rigid
        power, rest = power + float(effort @ effort), rest + float(left @ left)
    return 1.0 - rest / max(power, 1e-12), gains


def check_torque(patient: Patient) -> None:
    """Compare the torques with the model where the arm is known and they exist."""
    robot, log = patient.robot, patient.log
    if robot is None or not len(log.effort) or not np.ptp(log.effort, axis=0).any():
        return
    moving = (np.abs(np.gradient(log.position, log.time, axis=0)) > SLOW).any(axis=1)
    if moving.sum() < 100:
        return
    torques = sample(robot, log)
    loaded = torques.rigid.std(axis=0) > LOADED * robot.vector("effort")
    if not loaded.any():
        patient.note(
            "torque_side",
            "effort is a motor current; no joint's load varies enough to compare it "
            "with the model's torque"
            if log.effort_unit == "A"
            else "no joint's load varies enough to tell torques from currents",
        )
        return
    torques = _signs(patient, robot, torques, loaded)
    _order(patient, robot, torques)
    _, gains = _explained(torques)
    gain = float(np.median(gains[loaded]))
    if log.effort_unit == "A":
        patient.note(
            "torque_side",
            f"effort is a motor current, about {gain:.2g} A per Nm of rigid-body torque"
            "; drive gains and link masses cannot be told apart without a known load",
        )
    elif not 0.5 < gain < 2.0:
        patient.note(
            "torque_side",
            f"effort is {gain:.2g} times the rigid-body torque: a motor current or a "
            "torque before the gear, not used as joint torque",
        )
    else:
        _side(patient, torques, loaded)
        _tool(patient, robot, torques)


def _signs(patient: Patient, robot: RobotSpec, t: Torques, loaded: Flags) -> Torques:
    flipped = np.zeros(robot.n, np.bool_)
    for j in np.flatnonzero(loaded).tolist():
        # Friction follows the velocity: a turned sign turns both.
        design = np.column_stack([t.rigid[:, j], _design(t, j)])
        found = np.linalg.lstsq(design, t.effort[:, j], rcond=None)[0]
        rest = (t.effort[:, j] - design @ found).var()
        clear = rest < 0.3 * t.effort[:, j].var()
        flipped[j] = clear and found[0] < 0 and found[2] + found[3] < 0
    if not flipped.any():
        return t
    names = [robot.joint_names[j] for j in np.flatnonzero(flipped)]
    sign = np.where(flipped, -1.0, 1.0)
    patient.note(
        "sign",
        f"effort of {', '.join(names)} runs against gravity, inertia and friction; "
        "its sign is turned in all rows",
        "converted",
    )
    patient.change(effort=patient.log.effort * sign)
    return Torques(t.position, t.velocity, t.acceleration, t.effort * sign, t.rigid)


def _order(patient: Patient, robot: RobotSpec, t: Torques) -> None:
    """Refuse a log whose torques fit another order or sign of the joints."""
    before, _ = _explained(t)
    if before > POOR:
        return
    best, words = before, ""
    identity = np.arange(robot.n)
    for a in range(robot.n):
        for b in range(a, robot.n):
            order, sign = identity.copy(), np.ones(robot.n)
            order[[a, b]] = order[[b, a]]
            sign[a] = -1.0 if a == b else 1.0
            position, velocity, acceleration, effort = (
                s[:, order] * sign
                for s in (t.position, t.velocity, t.acceleration, t.effort)
            )
            rigid = inverse(robot, position, velocity, acceleration)
            trial = Torques(position, velocity, acceleration, effort, rigid)
            part, _ = _explained(trial)
            if part > best:
                names = robot.joint_names
                best = part
                words = (
                    f"the sign of {names[a]} turned"
                    if a == b
                    else f"{names[a]} and {names[b]} exchanged"
                )
    if best > GOOD:
        raise patient.refuse(
            "model_order",
            f"the model explains {before:.0%} of the torques, but {best:.0%} with "
            f"{words}; correct the joint names or the column map",
        )
    patient.note(
        "model_order",
        f"the model explains only {before:.0%} of the torques: another robot, another "
        "unit, or a large load",
    )


def _side(patient: Patient, t: Torques, loaded: Flags) -> None:
    size = []
    for j in np.flatnonzero(loaded).tolist():
        rest = t.effort[:, j] - t.rigid[:, j]
        found = np.linalg.lstsq(_design(t, j), rest, rcond=None)[0]
        fast = np.percentile(np.abs(t.velocity[:, j]), 90)
        size.append((found[2] + found[1] * fast) / max(t.effort[:, j].std(), 1e-9))
    if max(size) < 0.02:
        patient.note(
            "torque_side",
            "the torques hold no friction: they are measured behind the gear (link "
            "side), friction is learned from the commands only",
        )


@dataclass(frozen=True)
class Load:
    """What the torques say about a load at the tool."""

    mass: float
    """[kg]"""
    sigma: float
    """Standard deviation of the mass [kg]."""
    gained: float
    """Part of the unexplained torques it explains."""


def weigh(robot: RobotSpec, t: Torques) -> Load:
    """Fit a load at the tool beside friction and armature of every joint."""
    states = (t.position, t.velocity, t.acceleration)
    at = inverse(robot, *states, (1.0, (0.0, 0.0, 0.0)))
    columns = [at - t.rigid]
    for axis in np.eye(3):
        x, y, z = (0.1 * axis).tolist()
        columns.append((inverse(robot, *states, (1.0, (x, y, z))) - at) / 0.1)
    # A load within a metre of the flange.
    normal, target = np.diag(1.0 / np.array([10.0, 1.0, 1.0, 1.0]) ** 2), np.zeros(4)
    parts = []
    for j in range(robot.n):
        # What friction and armature can explain is not the load's (Frisch-Waugh).
        q, _ = np.linalg.qr(_design(t, j))
        load = np.stack([c[:, j] for c in columns], axis=1)
        rest = t.effort[:, j] - t.rigid[:, j]
        load, rest = load - q @ (q.T @ load), rest - q @ (q.T @ rest)
        noise = max(float(rest.std()), 1e-4 * robot.joints[j].effort)
        parts.append((load / noise, rest / noise))
        normal += parts[-1][0].T @ parts[-1][0]
        target += parts[-1][0].T @ parts[-1][1]
    found = np.linalg.solve(normal, target)
    after = np.concatenate([r - x @ found for x, r in parts])
    before = np.concatenate([r for _, r in parts])
    sigma = NARROW * float(after.std()) * float(np.linalg.inv(normal)[0, 0] ** 0.5)
    return Load(float(found[0]), sigma, float(1.0 - after.var() / before.var()))


def _tool(patient: Patient, robot: RobotSpec, t: Torques) -> None:
    load = weigh(robot, t)
    if abs(load.mass) > max(LEAST_LOAD, 2.0 * load.sigma) and load.gained > 0.1:
        word, advice = "less", "check --robot and the tool in the model"
        if load.mass > 0:
            word = "more"
            advice = (
                "record without it, or take friction and inertia as the loaded arm's"
            )
        patient.note(
            "tool",
            f"the torques show {abs(load.mass):.2f} +- {2 * load.sigma:.2f} kg {word} "
            f"at the tool than the model has: {advice}",
        )
