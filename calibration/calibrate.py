"""From logs to params: doctor, fit, held-out gate, and what is not known."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from forearm.core.errors import ForearmError, LimitError
from forearm.core.log import Floats, RunLog
from forearm.core.robot import RobotSpec

from .doctor import check_log
from .finding import Finding
from .horizon import (
    horizon_table,
    joint_table,
    log_table,
    noise_floor,
    rms_errors,
)
from .identified import said_of_delays, unknown_words
from .initial import first_guess
from .joint_gate import Flags, gate, of_joints
from .pendulum_fit import calibrate_bench, is_bench
from .posterior_params import params_of
from .result import UNIT, Result
from .rollout import LADDER, PHYSICS, Rollout
from .staged import Staged, fit_staged
from .windows import HORIZON, Parts, Window, noise_scales, split

__all__ = ("UNIT", "WINDOWS", "Result", "calibrate")

WINDOWS = 16
"""Most windows fitted; more change little and cost time."""

STEP_BOUND = (
    f"kp, kv and armature hold for MuJoCo's implicitfast at {1e3 * PHYSICS:g} ms, "
    "which adds kv times the step to the inertia: a simulator with another step or "
    "integrator needs others, up to a quarter away"
)
"""What a fit by simulation cannot know: the arm behind the simulator's step."""

DELAYS = (0.01, 0.02, 0.04, 0.08)
"""Command delays tried as a start beside what regression gives [s]."""


def calibrate(
    logs: list[RunLog],
    robot: RobotSpec,
    holdout: float = 0.3,
    held_logs: Sequence[RunLog] = (),
) -> Result:
    """Fit servo, friction, delay, load, tilt and encoders of ``robot`` to ``logs``.

    Args:
        logs: recordings of one arm in one state, same load throughout.
        robot: the arm.
        holdout: part at the end of each log that is not fitted, in (0, 1): its first
            half chooses, its second half gives the error.
        held_logs: logs that only give the error.

    Raises:
        ForearmError: a log is of other joints, without commands or too short.
    """
    begin = time.monotonic()
    if not 0.0 < holdout < 1.0:
        raise LimitError(f"holdout must lie between 0 and 1, got {holdout:g}")
    if is_bench(logs):
        return _bench(logs, robot, holdout, held_logs)
    checks: list[Finding] = []
    logs, said, guess = _prepare(logs, robot, checks)
    held = [log.select(robot.joint_names) for log in held_logs]
    held = [_checked(log, robot, checks) for log in held]
    noise = noise_scales(logs, robot.vector("effort"))
    parts = split(logs, held, holdout, noise, WINDOWS)
    starts = [{"command_delay": np.array([d])} for d in DELAYS]
    staged = fit_staged(robot, parts, noise, guess, starts)
    unknowns, scales = staged.unknowns, staged.scales
    judge = Rollout(robot, parts.gate, scales, 2)
    vector, kept = gate(judge, unknowns, staged.found.vector)
    said += [*staged.said, *_kept(robot, kept), *said_of_delays(logs)]
    known = staged.found.identified & ~of_joints(unknowns, kept) & (not kept.all())
    result = _judged(staged, parts, vector, known, logs, said, time.monotonic() - begin)
    found = [*map(str, checks), *result.findings]
    return dataclasses.replace(result, findings=found, checks=checks)


def _bench(
    logs: Sequence[RunLog],
    robot: RobotSpec,
    holdout: float,
    held_logs: Sequence[RunLog],
) -> Result:
    """Calibrate a servo from bench logs after the doctor has seen them."""
    seen = [check_log(log) for log in (*logs, *held_logs)]
    checks = [finding for checkup in seen for finding in checkup.findings]
    train = [c.log for c in seen[: len(logs)]]
    held = [c.log for c in seen[len(logs) :]]
    result = calibrate_bench(train, robot, holdout, held)
    found = [*map(str, checks), *result.findings]
    return dataclasses.replace(result, findings=found, checks=checks)


def _judged(
    staged: Staged,
    parts: Parts,
    vector: Floats,
    known: Flags,
    logs: list[RunLog],
    findings: list[str],
    seconds: float,
) -> Result:
    """Return the result with the error on windows nothing has seen."""
    unknowns, scales, robot = staged.unknowns, staged.scales, staged.unknowns.robot
    sets = [unknowns.values(v) for v in (unknowns.center, vector)]
    simulated = Rollout(robot, parts.figure, scales, 2).simulate(sets)
    errors = rms_errors(parts.figure, simulated)
    # Joints count alike: the root of the mean of squares over joints.
    before, after = np.sqrt((errors[:, 0] ** 2).mean(axis=1)).tolist()
    notes = {
        "logs": [str(log.meta.get("source", "in memory")) for log in logs],
        "held_out": {"before": before, "after": after, "unit": UNIT},
        # Gains and armature are those of this step and this integrator.
        "physics": {"timestep": PHYSICS, "integrator": "implicitfast"},
    }
    return Result(
        robot=robot,
        params=params_of(staged, vector, known, logs, notes),
        before=before,
        after=after,
        per_joint=joint_table(robot, errors),
        findings=[*findings, STEP_BOUND],
        unidentifiable=unknown_words(unknowns, staged.found),
        held=parts.figure,
        simulated=simulated,
        seconds=seconds,
        horizons=_horizons(robot, parts.long, scales, sets)
        or horizon_table(robot, parts.figure, simulated),
        noise_floor=noise_floor(robot, scales[0]),
        per_log=log_table(parts.figure, simulated),
        friction=_law(staged),
    )


def _law(staged: Staged) -> str:
    rungs = [name for name in LADDER if name in staged.unknowns.names]
    return " + ".join(["coulomb", "viscous", *rungs])


def _horizons(
    robot: RobotSpec,
    windows: list[Window],
    scales: list[Floats],
    sets: list[dict[str, Floats]],
) -> list[dict[str, Any]]:
    if not windows:
        return []
    simulated = Rollout(robot, windows, scales, 2, HORIZON).simulate(sets)
    return horizon_table(robot, windows, simulated)


def _kept(robot: RobotSpec, kept: Flags) -> list[str]:
    return [
        f"{robot.joint_names[j]} keeps nominal values: its fit predicts the held-out "
        "part worse than nominal"
        for j in np.flatnonzero(kept)
    ]


def _checked(log: RunLog, robot: RobotSpec, checks: list[Finding]) -> RunLog:
    """Return the log as the doctor leaves it; what it found is added."""
    checkup = check_log(log, robot)
    checks += checkup.findings
    if len(log.command_time) < 2:
        raise ForearmError(
            f"{log.meta.get('source', 'log')}: holds no joint commands, so the "
            "servo cannot be replayed; record the command topic too"
        )
    return checkup.log


def _prepare(
    logs: list[RunLog], robot: RobotSpec, checks: list[Finding]
) -> tuple[list[RunLog], list[str], list[dict[str, Floats]]]:
    if not logs:
        raise ForearmError("calibration needs at least one log")
    logs = [log.select(robot.joint_names) for log in logs]
    said: list[str] = []
    logs = [_checked(log, robot, checks) for log in logs]
    guess, why = first_guess(robot, logs[0])
    if why:
        said.append(why)
        none = np.zeros((0, robot.n))
        logs = [dataclasses.replace(log, effort=none) for log in logs]
    return logs, said, guess
