"""What calibration is measured against: ``mujoco.sysid`` on the logs of a servo.

The same logs, the same free parameters, the same starts; its own residual (least
squares on positions over whole logs), its own optimizer with its own defaults. It has
no reader for these logs and no switch for the torque, so each log ends for it where the
torque is switched off.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec
from forearm.core.robots.xl330 import P_GAIN, VOLTAGE, duty_gain
from forearm.sim.model import GRAVITY, asset_path

from .pendulum import SMOOTH, STEP, bench_header
from .pendulum_native import NATIVE
from .pendulum_search import LINEAR, Search

ITERATIONS = 40
"""Most iterations; from the 40th to the 80th the residual falls by less than 0.1 %."""

RANGE = 4.0
"""Bounds, in widths of our own search around its centre."""


def sysid_servo(
    robot: RobotSpec, logs: Sequence[RunLog]
) -> tuple[dict[str, Floats], float]:
    """Fit the plain MuJoCo servo to bench logs with ``mujoco.sysid``.

    Args:
        robot: the one-joint robot.
        logs: bench logs.

    Returns:
        Values (1, 1) by name, for :meth:`Bench.errors`, and the time it took [s].

    Raises:
        ForearmError: ``mujoco.sysid`` lacks what it needs.
    """
    sysid: Any = importlib.import_module("mujoco.sysid")
    if not hasattr(sysid, "optimize"):
        raise ForearmError("mujoco.sysid is not complete: pip install 'forearm[peers]'")
    begin = time.monotonic()
    search = Search(robot, NATIVE)
    params = sysid.ParameterDict()
    for name, (start, low, high) in _starts(search).items():
        params.add(sysid.Parameter(name, start, low, high))
    moved = sysid.SignalTransform()
    moved.delay("*", params["command_delay"])
    moved.bias("*", params["encoder_offset"], target="predicted")
    drives = [_drive(log) for log in logs]

    def build(values: Any, spec: Any) -> Any:
        _apply(spec, {n: float(values[n].value[0]) for n in NATIVE}, drives)
        return spec.compile()

    residual = sysid.build_residual_fn(
        models_sequences=[
            _sequence(sysid, robot, i, log) for i, log in enumerate(logs)
        ],
        build_model=build,
        modify_residual=moved.apply,
    )
    # It prints every iteration, and its own switch for that does not reach there.
    with contextlib.redirect_stdout(io.StringIO()):
        found, _ = sysid.optimize(params, residual, max_iters=ITERATIONS)
    values = {name: np.array([[float(found[name].value[0])]]) for name in NATIVE}
    return values, time.monotonic() - begin


def _starts(search: Search) -> dict[str, tuple[float, float, float]]:
    at = np.array([0.0, -RANGE, RANGE])[:, None] * np.ones(len(NATIVE))
    found = search.values(at)
    out = {name: found[name][:, 0].tolist() for name in NATIVE}
    # A start on a bound stalls it; a delay's lowest value is its bound.
    assert all(out[name][1] < out[name][0] for name in LINEAR)
    return {name: (row[0], row[1], row[2]) for name, row in out.items()}


def _drive(log: RunLog) -> float:
    """Return the stiffness of a log's gain and supply over the spec's."""
    header = bench_header(log)
    volts = header["vin"]
    if "input_volts" in log.signals:
        volts = float(np.mean(log.signals["input_volts"]))
    return duty_gain(header["kp"]) / duty_gain(P_GAIN) * volts / VOLTAGE


def _apply(spec: Any, values: dict[str, float], drives: Sequence[float]) -> None:
    joint, servo = spec.joint("joint"), spec.actuator("joint")
    kp = values["kp"] * drives[int(spec.modelname)]
    servo.gainprm[0], servo.biasprm[1] = kp, -kp
    servo.biasprm[2] = -values["kv"]
    servo.forcerange = [-values["effort"], values["effort"]]
    joint.armature, joint.frictionloss = values["armature"], values["coulomb"]
    joint.damping = [values["viscous"], 0.0, 0.0]


def _sequence(sysid: Any, robot: RobotSpec, index: int, log: RunLog) -> Any:
    header, rows = bench_header(log), _powered(log)
    spec: Any = mujoco.MjSpec.from_file(str(asset_path(robot)))
    spec.modelname = str(index)
    spec.option.timestep, spec.option.gravity = STEP, [0, 0, -GRAVITY]
    body = spec.joint("joint").parent
    body.mass, body.ipos = header["mass"], [0, 0, -header["length"]]
    servo = spec.add_actuator(name="joint", target="joint")
    servo.trntype = mujoco.mjtTrn.mjTRN_JOINT
    servo.set_to_position(kp=1.0, kv=0.1)
    servo.forcelimited = True
    servo.forcerange = [-1.0, 1.0]
    spec.add_sensor(
        name="position", type=mujoco.mjtSensor.mjSENS_JOINTPOS, objname="joint"
    ).objtype = mujoco.mjtObj.mjOBJ_JOINT
    model, first = spec.compile(), log.time[0]
    start = log.position[:SMOOTH].mean(axis=0)
    command = np.interp(log.time[:rows], log.command_time, log.command[:, 0])
    stamps = log.time[:rows] - first
    return sysid.ModelSequences(
        f"log {index}",
        spec,
        f"log {index}",
        sysid.create_initial_state(model, start, np.zeros(1)),
        sysid.TimeSeries(stamps, command[:, None]),
        sysid.TimeSeries.from_names(stamps, log.position[:rows], model),
    )


def _powered(log: RunLog) -> int:
    """Return how many rows come before the torque is switched off."""
    if "torque_enable" not in log.signals:
        return len(log.time)
    off = np.flatnonzero(log.signals["torque_enable"][:, 0] < 0.5)
    return int(off[0]) if len(off) else len(log.time)
