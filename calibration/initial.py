"""A first guess by linear least squares, where the log holds joint torques."""

from __future__ import annotations

import mujoco
import numpy as np
from scipy.optimize import nnls

from forearm.core.log import Floats, RunLog
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec
from forearm.sim.model import FieldMap, build_model

SAMPLES = 2000
"""Most samples the regression uses; more change nothing."""

GAIN = (0.5, 2.0)
"""Measured over rigid-body torque within which effort can be a torque in Nm."""

ACT = 1e-3
"""A servo's torque answers to the mean command of this time before a sample [s]: where
commands change just before samples, taking either one gives gains several times too
small and a delay that is off by a command."""

FINE = 5e-5
"""Step of the delays tried [s]: where a command arrives in the last millisecond before
a sample only the right delay explains the torque, and a fit that starts beside it stays
there."""

SCANNED = 7
"""One in so many samples tells delays apart; a prime, so that those after a command and
those between two commands are both seen."""

TIE = 1.001
"""Costs of delays within this factor are the same."""

APART = 5e-4
"""Distance of the guesses among delays that are the same [s]."""

SLOW = 0.01
"""Below this speed the sign of Coulomb friction is unknown [rad/s]."""


def dynamics(robot: RobotSpec, log: RunLog) -> tuple[Floats, Floats, Floats]:
    """Return (rows, acceleration [rad/s^2], rigid-body torque [Nm]) of a log.

    Armature and friction are left out of the torque.
    """
    zero = {k: np.zeros(robot.n) for k in ("armature", "viscous", "coulomb")}
    model = build_model(robot, zero)
    fields, data = FieldMap(model, robot), mujoco.MjData(model)
    velocity = log.velocity
    if not len(velocity):
        velocity = np.gradient(log.position, log.time, axis=0)
    acceleration = np.gradient(velocity, log.time, axis=0)
    width = max(1, round(0.03 / float(np.median(np.diff(log.time)))))
    kernel = np.ones(width) / width
    smooth = [np.convolve(column, kernel, "same") for column in acceleration.T]
    acceleration = np.stack(smooth, axis=1)
    rows = np.unique(np.linspace(1, len(log.time) - 2, SAMPLES).round().astype(int))
    torque = np.empty((len(rows), robot.n))
    for i, row in enumerate(rows):
        data.qpos[fields.qpos] = log.position[row]
        data.qvel[fields.dof] = velocity[row]
        data.qacc[fields.dof] = acceleration[row]
        mujoco.mj_inverse(model, data)
        torque[i] = data.qfrc_inverse[fields.dof]
    return rows, acceleration[rows], torque


def effort_gain(effort: Floats, torque: Floats, limit: Floats) -> float | None:
    """Return measured effort over rigid-body torque, where gravity or inertia show."""
    loaded = np.sqrt((torque**2).mean(axis=0)) > 0.03 * limit
    if not loaded.any():
        return None
    gains = (effort * torque).sum(axis=0) / (torque**2).sum(axis=0)
    return float(np.median(gains[loaded]))


def first_guess(robot: RobotSpec, log: RunLog) -> tuple[list[dict[str, Floats]], str]:
    """Return parameter values by regression, or none and why.

    Delays that explain the torques alike, as all between two samples do, each give
    values; the middle one comes first. A delay that stands out is the only one: what
    replays whole windows may prefer another as long as the load is not known, and
    does not find back.

    Servo: effort = gravity + kp (command - position) - kv velocity.
    Arm: effort - rigid body = armature qdd + viscous qd + Coulomb sign(qd).
    """
    if not len(log.effort) or not np.ptp(log.effort, axis=0).any():
        return (
            [],
            "no joint torques were recorded: gains, armature and friction of a joint "
            "are known in proportion to each other, their common scale is not",
        )
    rows, acceleration, torque = dynamics(robot, log)
    effort, position = log.effort[rows], log.position[rows]
    gain = effort_gain(effort, torque, robot.vector("effort"))
    if gain is None or not GAIN[0] < gain < GAIN[1]:
        shown = "cannot be checked" if gain is None else f"is {gain:.2g} times it"
        return (
            [],
            f"effort is not used: against the rigid-body torque it {shown}, "
            "so it may be a motor current",
        )
    velocity = (
        log.velocity[rows]
        if len(log.velocity)
        else np.gradient(log.position, log.time, axis=0)[rows]
    )
    values = _arm(robot, effort - torque, acceleration, velocity)
    servo = effort - _gravity(robot, position)
    gains, delays = _replied(log, log.time[rows], servo, position, velocity)
    values |= {"kp": gains[0], "kv": gains[1]}
    nominal = nominal_values(robot)
    for name in ("kp", "kv", "armature", "viscous", "coulomb"):
        low, high = 0.1 * nominal[name], 10.0 * nominal[name]
        limited = np.clip(values[name], low, high)
        # Nothing was learned about a joint that stood still.
        values[name] = np.where(values[name] > 0, limited, nominal[name])
    return [values | {"command_delay": np.array([d])} for d in delays], ""


def _replied(
    log: RunLog, time: Floats, servo: Floats, position: Floats, velocity: Floats
) -> tuple[Floats, list[float]]:
    """Return the gains (2, n) and the delays that explain the servo's torque best."""
    # The integral of a held command: its difference is the mean over any stretch.
    held = np.vstack([log.command[:1], log.command])
    edges = np.concatenate(
        [log.command_time[:1] - 10.0, log.command_time, log.command_time[-1:] + 10.0]
    )
    steps = held * np.diff(edges)[:, None]
    total = np.vstack([0.0 * held[:1], np.cumsum(steps, axis=0)])

    def tried(delay: float, every: int) -> tuple[Floats, float]:
        late = time[::every] - delay
        now, before = (
            np.stack([np.interp(at, edges, c) for c in total.T], axis=1)
            for at in (late, late - ACT)
        )
        error = (now - before) / ACT - position[::every]
        return _servo(servo[::every], error, velocity[::every])

    delays = np.arange(0.0, 0.1, FINE)
    cost = np.array([tried(d, SCANNED)[1] for d in delays])
    tied = delays[cost <= TIE * cost.min()]
    middle = float(np.median(tied))
    count = max(1, round(float(np.ptp(tied)) / APART) + 1)
    places = np.linspace(0, len(tied) - 1, count).round().astype(int)
    return tried(middle, 1)[0], [middle, *tied[places].tolist()]


def _gravity(robot: RobotSpec, position: Floats) -> Floats:
    model = build_model(robot)
    fields, data = FieldMap(model, robot), mujoco.MjData(model)
    torque = np.empty_like(position)
    for i, row in enumerate(position):
        data.qpos[fields.qpos] = row
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        torque[i] = data.qfrc_gravcomp[fields.dof]
    return torque


def _arm(
    robot: RobotSpec, rest: Floats, acceleration: Floats, velocity: Floats
) -> dict[str, Floats]:
    found = np.empty((3, robot.n))
    for j in range(robot.n):
        moving = np.abs(velocity[:, j]) > SLOW
        columns = (acceleration[:, j], velocity[:, j], np.sign(velocity[:, j]))
        design = np.stack(columns, axis=1)[moving]
        found[:, j] = nnls(design, rest[moving, j])[0] if moving.sum() > 10 else 0.0
    return dict(zip(("armature", "viscous", "coulomb"), found, strict=True))


def _servo(torque: Floats, error: Floats, velocity: Floats) -> tuple[Floats, float]:
    gains, cost = np.empty((2, torque.shape[1])), 0.0
    for j in range(torque.shape[1]):
        # An encoder's offset and a load's weight are nearly constant torques.
        one = np.ones(len(error))
        design = np.stack([error[:, j], -velocity[:, j], one, -one], axis=1)
        found, rest = nnls(design, torque[:, j])
        gains[:, j] = found[:2]
        cost += rest**2 / max(float((torque[:, j] ** 2).sum()), 1e-9)
    return gains, cost
