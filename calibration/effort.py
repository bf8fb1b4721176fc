"""From logs with joint torque or motor current to params: choose, fit, judge, say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import norm

from forearm.core.errors import ForearmError, LimitError, MismatchError
from forearm.core.log import EffortUnit, Floats, RunLog
from forearm.core.params import Params
from forearm.core.robot import RobotSpec
from forearm.sim.model import build_model

from .chain import Chain, chain_of
from .crossval import Choice, choose
from .doctor import check_log
from .effort_model import Model, start_of
from .finding import Finding
from .gate import gated
from .identifiability import together, unknown_directions
from .linear import fit
from .motion import Flags, Motion, motion_of
from .natural import identified, jacobian, natural, natural_params
from .nominal import first_gain, nominal_model
from .score import errors, noise_floor
from .spread import covariance

UNIT = "%"
"""Unit of the held-out error: 100 |effort - model| / |effort|, moving samples only."""


@dataclass(frozen=True)
class EffortResult:
    """What calibration found from torques or currents."""

    robot: RobotSpec
    """The arm."""
    chain: Chain
    """The arm as the model has it."""
    params: Params
    """Values with provenance, standard deviations and covariance."""
    fitted: Model
    """The best friction law as fitted, before the gate."""
    model: Model
    """The same after the gate."""
    native: Model
    """The best model that plain MuJoCo computes, after the gate."""
    held: list[Motion]
    """Held-out logs or parts of logs."""
    nominal: Model
    """Data-sheet inertials, guessed friction, and the drive gain that fits best."""
    choice: Choice
    """What cross-validation chose."""
    spread: Floats
    """Covariance of the model's vector."""
    findings: list[str]
    """What was decided and why, in sentences."""
    unidentifiable: list[str]
    """What these logs cannot tell, in sentences."""
    kept: list[str]
    """What the gate has put back."""
    seconds: float
    """Time it took [s]."""
    checks: list[Finding] = field(default_factory=list)
    """What the doctor found, with rows; ``findings`` says the same in sentences."""

    def per_joint(self) -> dict[str, dict[str, float]]:
        """Return by joint the held-out error before, after and native [%]."""
        models = {"before": self.nominal, "after": self.model, "native": self.native}
        table = {name: errors(m, self.held) for name, m in models.items()}
        return {
            joint: {name: float(e[j]) for name, e in table.items() if np.isfinite(e[j])}
            for j, joint in enumerate(self.robot.joint_names)
        }

    def per_log(self) -> dict[str, dict[str, float]]:
        """Return by held-out log the mean error over joints [%]."""
        models = {"before": self.nominal, "after": self.model, "native": self.native}
        return {
            motion.name: {
                name: float(np.nanmean(errors(m, [motion])))
                for name, m in models.items()
            }
            for motion in self.held
        }

    def as_json(self) -> dict[str, Any]:
        """Return the result for a machine."""
        mean = {
            name: float(np.nanmean(errors(model, self.held)))
            for name, model in (
                ("before", self.nominal),
                ("after", self.model),
                ("native", self.native),
            )
        }
        return {
            "held_out": {
                **mean,
                "noise_floor": float(np.nanmean(noise_floor(self.held))),
                "unit": UNIT,
                "per_joint": self.per_joint(),
                "per_log": self.per_log(),
            },
            "seconds": self.seconds,
            "findings": self.findings,
            "unidentifiable": self.unidentifiable,
            "ladder": self.choice.scores,
        }


def calibrate_effort(
    logs: Sequence[RunLog],
    robot: RobotSpec,
    held_logs: Sequence[RunLog] = (),
    holdout: float = 0.3,
    seed: int = 0,
) -> EffortResult:
    """Fit drive gains, friction, armature and link inertials of ``robot``.

    Args:
        logs: recordings with effort, of one arm with one load.
        robot: the arm.
        held_logs: recordings that only judge.
        holdout: without them, part at the end of each log that only judges.
        seed: of the bootstrap.

    Raises:
        ForearmError: a log holds no effort, is too short, or the units differ.
    """
    begin = time.monotonic()
    checks, train, held_logs = _prepared(logs, robot, held_logs, holdout)
    unit, chain = _unit([*train, *held_logs]), chain_of(build_model(robot), robot)
    gain = first_gain(train, chain, robot, unit)
    choice = choose(train, chain, gain, unit == "A")
    nominal = nominal_model(choice, robot, chain, gain, unit)
    held = [motion_of(log, chain, choice.half) for log in held_logs]
    found, native = _fitted(choice)
    model, kept = gated(found, nominal, choice.motions, held)
    native, _ = gated(native, nominal, choice.motions, held)
    spread = covariance(found, choice.motions, np.random.default_rng(seed))
    params, known = natural_params(robot, model, spread, unit, kept)
    params.notes.update(_notes(choice, nominal, model, held))
    unknown = unknown_directions(robot, chain, choice.motions, known, unit)
    return EffortResult(
        robot=robot,
        chain=chain,
        params=params,
        fitted=found,
        model=model,
        native=native,
        held=held,
        nominal=nominal,
        choice=choice,
        spread=spread,
        findings=[*map(str, checks), *_findings(robot, choice, kept, unit)],
        checks=checks,
        unidentifiable=[*unknown, *together(robot, found, spread)],
        kept=kept,
        seconds=time.monotonic() - begin,
    )


def _fitted(choice: Choice) -> tuple[Model, Model]:
    setups = (choice.setup, choice.native)
    found, native = (fit(s, choice.motions, start_of(s)) for s in setups)
    return found, native


def _notes(
    choice: Choice, nominal: Model, model: Model, held: Sequence[Motion]
) -> dict[str, Any]:
    error = {
        name: float(np.nanmean(errors(m, held)))
        for name, m in (("before", nominal), ("after", model))
    }
    logs = [m.name for m in choice.motions]
    return {"logs": logs, "held_out": {**error, "unit": UNIT}}


def intervals(result: EffortResult, level: float = 0.9) -> tuple[Floats, Floats, Flags]:
    """Return lower and upper ends for the fit's values, and which are known.

    Without the common scale that no log without a known load can tell.
    """
    turn, values = jacobian(result.fitted), natural(result.fitted)
    std = np.sqrt(np.diag(turn @ result.spread @ turn.T))
    half = float(norm.ppf((1 + level) / 2)) * std
    return values - half, values + half, identified(result.fitted, result.spread)


def _examined(
    logs: Sequence[RunLog], held: Sequence[RunLog], robot: RobotSpec
) -> tuple[list[Finding], list[RunLog], list[RunLog]]:
    """Return what the doctor found in all logs, and the logs as repaired."""
    checkups = [check_log(log, robot) for log in (*logs, *held)]
    found = [finding for c in checkups for finding in c.findings]
    repaired = [c.log for c in checkups]
    return found, repaired[: len(logs)], repaired[len(logs) :]


def _prepared(
    logs: Sequence[RunLog],
    robot: RobotSpec,
    held: Sequence[RunLog],
    holdout: float,
) -> tuple[list[Finding], list[RunLog], list[RunLog]]:
    """Return what was found, the logs that train and those that judge."""
    checks, logs, held = _examined(logs, held, robot)
    return checks, *_split(logs, robot, held, holdout)


def _split(
    logs: Sequence[RunLog],
    robot: RobotSpec,
    held: Sequence[RunLog],
    holdout: float,
) -> tuple[list[RunLog], list[RunLog]]:
    if not logs:
        raise ForearmError("calibration needs at least one log")
    chosen = [log.select(robot.joint_names) for log in logs]
    if held:
        return chosen, [log.select(robot.joint_names) for log in held]
    if not 0.0 < holdout < 1.0:
        raise LimitError(f"holdout must lie between 0 and 1, got {holdout:g}")
    cuts = [log.time[0] + (1 - holdout) * log.duration for log in chosen]
    pairs = list(zip(chosen, cuts, strict=True))
    return (
        [log.crop(float(log.time[0]), float(cut)) for log, cut in pairs],
        [log.crop(float(cut), np.inf) for log, cut in pairs],
    )


def _unit(logs: Sequence[RunLog]) -> EffortUnit:
    units = sorted({log.effort_unit for log in logs})
    if len(units) != 1:
        raise MismatchError("unit of the effort", " and ".join(units), "one unit")
    return logs[0].effort_unit


def _findings(
    robot: RobotSpec, choice: Choice, kept: list[str], unit: EffortUnit
) -> list[str]:
    period = np.median(np.concatenate([np.diff(m.log.time) for m in choice.motions]))
    out = [
        f"{m.name}: {m.log.duration:.1f} s at {1 / float(period):.0f} Hz, "
        f"{m.moving.mean():.0%} of the joint samples move and count"
        for m in choice.motions
    ]
    if unit == "A":
        out.append(
            "the effort is a motor current; drive gains are fitted with the rest"
        )
    window = (2 * choice.half + 1) * float(period)
    out.append(
        f"cross-validation chose a smoothing window of {window * 1e3:.0f} ms and link "
        f"inertials within {choice.setup.width:.0%} of the data sheet's"
    )
    for name, law in zip(robot.joint_names, choice.setup.laws, strict=True):
        gear = f", {law.rate:g} ripples per rad" if law.rate else ""
        out.append(f"{name}: friction law {law.rung}, slip {law.slip:g} rad/s{gear}")
    return out + kept
