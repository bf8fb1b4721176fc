"""From logs to params: doctor, fit, held-out gate, and what is not known."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from forearm.core.errors import ForearmError, LimitError
from forearm.core.log import Floats, RunLog
from forearm.core.params import Covariance, Params, Provenance, make_params
from forearm.core.robot import RobotSpec

from .doctor import check_log
from .fit import Fit, Flags, fit
from .initial import first_guess
from .rollout import Rollout
from .unknowns import PRIOR, Unknowns
from .windows import Window, error_scales, split

WINDOWS = 24
"""Most windows fitted and most held out; more change little and cost time."""

DELAYS = (0.01, 0.02, 0.04, 0.08)
"""Command delays tried as a start where regression gives none [s]."""

COMMON = 0.65
"""Standard deviation of the logarithm of a joint's torque scale without torques.

Gains, armature and friction of one joint multiplied by one factor move it almost
alike where its own rotor outweighs the links.
"""

UNIT = "mrad"
"""Unit of the held-out position error."""


@dataclass(frozen=True)
class Result:
    """What calibration found."""

    robot: RobotSpec
    """The arm."""
    params: Params
    """Values with provenance, standard deviations and covariance."""
    before: float
    """Held-out open-loop position error of the nominal arm [mrad], RMS."""
    after: float
    """The same of the calibrated arm [mrad]."""
    per_joint: dict[str, dict[str, float]]
    """By joint: before, after [mrad], effort_before, effort_after [Nm]."""
    findings: list[str]
    """What the logs lack and what was done about it, in sentences."""
    unidentifiable: list[str]
    """Parameters the logs say nothing about, in words."""
    held: list[Window]
    """Held-out windows."""
    simulated: list[Floats]
    """Per held-out window (nominal and calibrated, signal, sample, joint)."""
    seconds: float
    """Time it took [s]."""

    def as_json(self) -> dict[str, Any]:
        """Return the result for a machine, without the traces."""
        return {
            "held_out": {
                "before": self.before,
                "after": self.after,
                "unit": UNIT,
                "per_joint": self.per_joint,
            },
            "seconds": self.seconds,
            "findings": self.findings,
            "unidentifiable": self.unidentifiable,
        }


def calibrate(logs: list[RunLog], robot: RobotSpec, holdout: float = 0.3) -> Result:
    """Fit servo, friction, armature and delay of ``robot`` to ``logs``.

    Args:
        logs: recordings of one arm in one state, same load throughout.
        robot: the arm.
        holdout: part at the end of each log that only judges, in (0, 1).

    Raises:
        ForearmError: a log is of other joints, without commands or too short.
    """
    begin = time.monotonic()
    if not 0.0 < holdout < 1.0:
        raise LimitError(f"holdout must lie between 0 and 1, got {holdout:g}")
    logs, findings, guess = _prepare(logs, robot)
    scales = error_scales(robot.vector("effort"))
    windows, held = split(logs, holdout, scales, WINDOWS)
    unknowns = Unknowns(robot)
    starts = [unknowns.center, *_with_delays(unknowns.center)]
    starts += [unknowns.vector(guess)] if guess else []
    found = fit(Rollout(robot, windows, scales, unknowns.size + 1), unknowns, starts)
    if guess is None:
        found = _without_torques(unknowns, found)
    judge = Rollout(robot, held, scales, 2)
    vector, kept = _gate(judge, unknowns, found.vector)
    findings += _kept(robot, kept)
    known = found.identified & ~_of_joints(unknowns, kept) & (not kept.all())
    simulated = judge.simulate([unknowns.values(v) for v in (unknowns.center, vector)])
    errors = _errors(held, simulated)
    # Joints count alike: the root of the mean of squares over joints.
    before, after = np.sqrt((errors[:, 0] ** 2).mean(axis=1)).tolist()
    notes = {
        "logs": [str(log.meta.get("source", "in memory")) for log in logs],
        "held_out": {"before": before, "after": after, "unit": UNIT},
    }
    return Result(
        robot=robot,
        params=_params(unknowns, vector, found, known, notes),
        before=before,
        after=after,
        per_joint=_table(robot, errors, bool(len(logs[0].effort))),
        findings=findings,
        unidentifiable=_unknown(unknowns, found),
        held=held,
        simulated=simulated,
        seconds=time.monotonic() - begin,
    )


def _kept(robot: RobotSpec, kept: Flags) -> list[str]:
    return [
        f"{robot.joint_names[j]} keeps nominal values: its fit predicts the held-out "
        "part worse than nominal"
        for j in np.flatnonzero(kept)
    ]


def _prepare(
    logs: list[RunLog], robot: RobotSpec
) -> tuple[list[RunLog], list[str], dict[str, Floats] | None]:
    if not logs:
        raise ForearmError("calibration needs at least one log")
    logs = [log.select(robot.joint_names) for log in logs]
    findings: list[str] = []
    for i, log in enumerate(logs):
        checkup = check_log(log, robot)
        findings += [str(finding) for finding in checkup.findings]
        logs[i] = checkup.log
        if len(log.command_time) < 2:
            raise ForearmError(
                f"{log.meta.get('source', 'log')}: holds no joint commands, so the "
                "servo cannot be replayed; record the command topic too"
            )
    guess, why = first_guess(robot, logs[0])
    if why:
        findings.append(why)
        none = np.zeros((0, robot.n))
        logs = [dataclasses.replace(log, effort=none) for log in logs]
    return logs, findings, guess


def _with_delays(center: Floats) -> list[Floats]:
    return [np.append(center[:-1], delay) for delay in DELAYS]


def _without_torques(unknowns: Unknowns, found: Fit) -> Fit:
    """Return the fit with the width of each joint's unseen torque scale added."""
    covariance = found.covariance.copy()
    for joint in range(unknowns.robot.n):
        scaled = (unknowns.of_joint(joint) & found.identified).astype(np.float64)
        covariance += COMMON**2 * np.outer(scaled, scaled)
    return dataclasses.replace(found, covariance=covariance)


def _of_joints(unknowns: Unknowns, joints: Flags) -> Flags:
    flags = [unknowns.of_joint(int(j)) for j in np.flatnonzero(joints)]
    return np.any(flags, axis=0) if flags else np.zeros(unknowns.size, np.bool_)


def _gate(judge: Rollout, unknowns: Unknowns, vector: Floats) -> tuple[Floats, Flags]:
    """Return the vector with every joint that loses to nominal put back, and which."""
    n = unknowns.robot.n
    kept = np.zeros(n, np.bool_)
    for _ in range(n + 1):
        sets = [unknowns.values(v) for v in (unknowns.center, vector)]
        errors = _errors(judge.windows, judge.simulate(sets))[:, 0]
        worse = (errors[1] > errors[0]) & ~kept
        if not worse.any():
            break
        kept |= worse
        vector = np.where(_of_joints(unknowns, kept), unknowns.center, vector)
    # A delay alone is worth nothing: the shared number was fitted with the joints.
    if kept.all() or np.mean(errors[1] ** 2) > np.mean(errors[0] ** 2):
        return unknowns.center, np.ones(n, np.bool_)
    return vector, kept


def _errors(windows: list[Window], simulated: list[Floats]) -> Floats:
    """Return RMS errors (sets, [position mrad, effort Nm], n); NaN if not measured."""
    total = []
    for i, name in ((0, "position"), (2, "effort")):
        measured = [getattr(w.log, name) for w in windows]
        if not len(measured[0]):
            total.append(np.full((simulated[0].shape[0], windows[0].log.n), np.nan))
            continue
        square = [
            (s[:, i] - m[w.rows]) ** 2
            for s, m, w in zip(simulated, measured, windows, strict=True)
        ]
        rms = np.sqrt(np.concatenate(square, axis=1).mean(axis=1))
        total.append(rms * (1e3 if name == "position" else 1.0))
    return np.stack(total, axis=1)


def _table(
    robot: RobotSpec, errors: Floats, effort: bool
) -> dict[str, dict[str, float]]:
    names = {"before": (0, 0), "after": (1, 0)}
    if effort:
        names |= {"effort_before": (0, 1), "effort_after": (1, 1)}
    return {
        joint: {name: float(errors[k][i][j]) for name, (k, i) in names.items()}
        for j, joint in enumerate(robot.joint_names)
    }


def _unknown(unknowns: Unknowns, found: Fit) -> list[str]:
    titles = unknowns.titles()
    return [titles[i] for i in np.flatnonzero(~found.identified)]


def _params(
    unknowns: Unknowns, vector: Floats, found: Fit, known: Flags, notes: dict[str, Any]
) -> Params:
    """Return params: what is known as measured, the rest as a guess of prior width."""
    n, slopes = unknowns.robot.n, unknowns.natural(vector)
    width = np.where(known, np.sqrt(np.diag(found.covariance)), unknowns.prior) * slopes
    origin: list[Provenance] = ["measured" if k else "guess" for k in known]
    names = [*PRIOR, "command_delay"]
    places = [slice(i * n, (i + 1) * n) for i in range(len(PRIOR))] + [slice(-1, None)]
    matrix = (found.covariance * np.outer(slopes, slopes))[np.ix_(known, known)]
    labels = [label for label, k in zip(unknowns.labels(), known, strict=True) if k]
    return make_params(
        unknowns.robot,
        unknowns.values(vector),
        {name: origin[place] for name, place in zip(names, places, strict=True)},
        {name: width[place] for name, place in zip(names, places, strict=True)},
        covariance=Covariance(names=labels, matrix=matrix.tolist()) if labels else None,
        notes=notes,
    )
