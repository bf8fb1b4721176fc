"""Held-out error: per joint, per log, against horizon, at the tool."""

from __future__ import annotations

from typing import Any

import numpy as np

from forearm.core.kinematics import Kinematics
from forearm.core.log import Floats
from forearm.core.robot import RobotSpec

from .windows import Window

HORIZONS = (0.1, 0.5, 2.0)
"""Times after the measured start at which errors are told [s]."""

NEAR = 0.8
"""An error at a horizon is that of the samples from this part of it on."""


def rms_errors(windows: list[Window], simulated: list[Floats]) -> Floats:
    """Return RMS errors (sets, [position mrad, effort Nm], n); NaN if not measured."""
    total = []
    for i, name in ((0, "position"), (2, "effort")):
        measured = [getattr(w.log, name) for w in windows]
        if not all(len(m) for m in measured):
            total.append(np.full((simulated[0].shape[0], windows[0].log.n), np.nan))
            continue
        square = [
            (s[:, i] - m[w.rows]) ** 2
            for s, m, w in zip(simulated, measured, windows, strict=True)
        ]
        rms = np.sqrt(np.concatenate(square, axis=1).mean(axis=1))
        total.append(rms * (1e3 if name == "position" else 1.0))
    return np.stack(total, axis=1)


def joint_table(robot: RobotSpec, errors: Floats) -> dict[str, dict[str, float]]:
    """Return before and after by joint from :func:`rms_errors`."""
    names = {"before": (0, 0), "after": (1, 0)}
    if np.isfinite(errors[:, 1]).all():
        names |= {"effort_before": (0, 1), "effort_after": (1, 1)}
    return {
        joint: {name: float(errors[k][i][j]) for name, (k, i) in names.items()}
        for j, joint in enumerate(robot.joint_names)
    }


def log_table(
    windows: list[Window], simulated: list[Floats]
) -> dict[str, dict[str, float]]:
    """Return before and after [mrad] by log, the root mean square over joints."""
    found: dict[str, dict[str, float]] = {}
    for number, log in enumerate({id(w.log): w.log for w in windows}.values()):
        chosen = [i for i, w in enumerate(windows) if w.log is log]
        errors = rms_errors(
            [windows[i] for i in chosen], [simulated[i] for i in chosen]
        )
        before, after = np.sqrt((errors[:, 0] ** 2).mean(axis=1)).tolist()
        name = str(log.meta.get("source", f"log {number + 1}"))
        found[name] = {"before": before, "after": after}
    return found


def horizon_table(
    robot: RobotSpec, windows: list[Window], simulated: list[Floats]
) -> list[dict[str, Any]]:
    """Return the error at each horizon the windows reach, in joint and tool space."""
    kinematics, found = Kinematics(robot), []
    for seconds in HORIZONS:
        joint, tool = [], []
        for window, rows in zip(windows, simulated, strict=True):
            if window.time[-1] < NEAR * seconds:
                continue
            near = (window.time > NEAR * seconds) & (window.time <= seconds)
            measured = window.log.position[window.rows][near]
            joint.append((rows[:, 0][:, near] - measured) ** 2)
            places = [
                np.asarray(kinematics(q).position)
                for q in (*rows[:, 0][:, near], measured)
            ]
            tool.append([((p - places[-1]) ** 2).sum(axis=-1) for p in places[:-1]])
        if not joint:
            continue
        by_joint = 1e3 * np.sqrt(np.concatenate(joint, axis=1).mean(axis=1))
        before, after = 1e3 * np.sqrt(np.concatenate(tool, axis=1).mean(axis=1))
        found.append(
            {
                "seconds": seconds,
                "unit": "mrad",
                "per_joint": {
                    name: {"before": float(b), "after": float(a)}
                    for name, b, a in zip(robot.joint_names, *by_joint, strict=True)
                },
                "tool": {"before": float(before), "after": float(after), "unit": "mm"},
            }
        )
    return found


def noise_floor(robot: RobotSpec, noise: Floats) -> dict[str, Any]:
    """Return the position noise by joint [mrad] and what it makes at the tool [mm]."""
    kinematics = Kinematics(robot)
    here = np.asarray(kinematics(robot.home[None]).position)
    moved = np.asarray(kinematics(robot.home + np.diag(noise)).position)
    tool = float(np.sqrt(((moved - here) ** 2).sum()))
    return {
        "unit": "mrad",
        "per_joint": dict(zip(robot.joint_names, (1e3 * noise).tolist(), strict=True)),
        "tool": {"value": 1e3 * tool, "unit": "mm"},
    }
