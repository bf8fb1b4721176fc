"""Drift: what has changed on an arm since it was calibrated, by how many sigmas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forearm.core.log import Floats, RunLog
from forearm.core.params import Params
from forearm.core.robot import RobotSpec

from .calibrate import Result, calibrate
from .doctor import check_log
from .doctor_torque import SLOW, sample, weigh

GROUPS = {
    "payload": ("payload_mass", "payload_com"),
    "friction": ("coulomb", "viscous", "load_friction", "stribeck"),
    "delay": ("command_delay", "sensor_delay"),
    "gain": ("kp", "kv", "torque_scale"),
    "inertia": ("armature", "link_mass_scale"),
}
"""What an engineer would check together."""

GROUP = {name: group for group, names in GROUPS.items() for name in names}
"""Group by parameter."""

SIGMAS = 3.0
"""A value has changed from here on."""

RELATIVE = 0.03
"""Smaller changes of a value are not worth a visit, however sure they are."""

STATES = 100
"""Fewer moving states cannot weigh a load."""


@dataclass(frozen=True)
class Change:
    """One value that is no longer what it was."""

    value: str
    """``param[index]``."""
    group: str
    """One of :data:`GROUPS`."""
    title: str
    """The value in words."""
    before: float
    """In the params file."""
    after: float
    """Refitted."""
    sigmas: float
    """Difference over the standard deviation of both, with sign."""

    def __str__(self) -> str:
        """Return the change in a sentence."""
        return (
            f"{self.title} {self.before:.4g} -> {self.after:.4g} "
            f"({self.sigmas:+.1f} sigma)"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the change for a machine."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Drift:
    """What a new log says about old params."""

    changes: list[Change]
    """Largest first."""
    result: Result
    """The new calibration."""
    untold: tuple[str, ...] = ()
    """Groups of which nothing is measured both then and now: no change can be seen."""

    @property
    def groups(self) -> dict[str, float]:
        """Largest number of sigmas by group, changed or not; zero is unchanged."""
        found = dict.fromkeys(GROUPS, 0.0)
        for change in self.changes:
            found[change.group] = max(found[change.group], abs(change.sigmas))
        return found

    def said_of_groups(self) -> str:
        """Return in one line which groups changed, by how many sigmas at most."""
        moved = {g: s for g, s in self.groups.items() if s > 0}
        words = {g: "unknown" if g in self.untold else "unchanged" for g in GROUPS}
        still = [g for g in self.groups if g not in moved]
        order = sorted(moved, key=lambda g: -moved[g])
        parts = [f"{g} changed ({moved[g]:.1f} sigma)" for g in order]
        return ", ".join([*parts, *(f"{g} {words[g]}" for g in still)])

    def values(self, robot: RobotSpec, old: Params) -> dict[str, Floats]:
        """Return the arm as it is now, every parameter by name.

        What the new log measured is new; what it says nothing about stays as it was
        known, not as the data sheet has it.
        """
        values, new = old.values(robot), self.result.params
        for name, content in new.params.items():
            for i, value in enumerate(content.value):
                if _origin(new, name, i) == "measured":
                    values[name][i] = value
        for change in self.changes:
            if change.value == "payload_mass[0]":
                values["payload_mass"][0] = change.after
        return values

    def sentences(self) -> list[str]:
        """Return what changed, the likeliest cause first."""
        if not self.changes:
            return ["nothing has changed beyond its interval"]
        said = [str(change) for change in self.changes]
        if self.groups["payload"] and len(self.changes) > 1:
            said.append(
                "a load at the tool also moves friction and inertia: record without it "
                "and look again"
            )
        return said


def drift(logs: list[RunLog], robot: RobotSpec, params: Params) -> Drift:
    """Refit ``robot`` to new ``logs`` and compare with its ``params``.

    Raises:
        ForearmError: the logs cannot be calibrated with.
        MismatchError: the params belong to another robot.
    """
    params.check_robot(robot)
    result = calibrate(logs, robot)
    changes = _changes(robot, params, result.params)
    told = {GROUP[n] for n, _ in _compared(params, result.params)}
    if "payload_mass" not in result.params.params:
        weighed = _load(logs, robot, params)
        told |= {"payload"} if weighed is not None else set()
        changes += weighed or []
    changes.sort(key=lambda change: -abs(change.sigmas))
    return Drift(changes, result, tuple(g for g in GROUPS if g not in told))


def _origin(params: Params, name: str, i: int) -> str:
    origin = params.params[name].provenance
    return origin if isinstance(origin, str) else origin[i]


def _compared(old: Params, new: Params) -> list[tuple[str, int]]:
    """Return values that were known, not guessed, and are measured now."""
    return [
        (name, i)
        for name, content in new.params.items()
        for i in range(len(content.value))
        if name in GROUP
        and _origin(new, name, i) == "measured"
        and (name not in old.params or _origin(old, name, i) != "guess")
    ]


def _changes(robot: RobotSpec, old: Params, new: Params) -> list[Change]:
    found = []
    values = old.values(robot)
    for name, content in new.params.items():
        if name not in GROUP or content.std is None:
            continue
        before = values[name]
        known = old.params.get(name)
        for i, (after, std) in enumerate(zip(content.value, content.std, strict=True)):
            if _origin(new, name, i) != "measured":
                continue
            spread = known.std[i] if known is not None and known.std else 0.0
            sigma = float(np.hypot(spread, std))
            apart = after - before[i]
            least = RELATIVE * abs(before[i])
            if sigma > 0 and abs(apart) > max(SIGMAS * sigma, least):
                shared = len(before) != robot.n
                title = name if shared else f"{name} of {robot.joint_names[i]}"
                found.append(
                    Change(
                        f"{name}[{i}]",
                        GROUP[name],
                        title,
                        float(before[i]),
                        after,
                        apart / sigma,
                    )
                )
    return found


def _load(logs: list[RunLog], robot: RobotSpec, params: Params) -> list[Change] | None:
    """Weigh the load by the torques, where the fit does not; None without torques."""
    before = float(params.values(robot)["payload_mass"][0])
    masses, sigmas = [], []
    for log in logs:
        log = check_log(log, robot).log
        moving = (np.abs(np.gradient(log.position, log.time, axis=0)) > SLOW).any(1)
        if not len(log.effort) or log.effort_unit != "Nm" or moving.sum() < STATES:
            continue
        load = weigh(robot, sample(robot, log))
        masses.append(load.mass)
        sigmas.append(load.sigma)
    if not masses:
        return None
    weight = 1 / np.square(sigmas)
    mass = float(np.sum(weight * masses) / weight.sum())
    sigma = float(weight.sum() ** -0.5)
    known = params.params.get("payload_mass")
    if known is not None and known.std:
        sigma = float(np.hypot(sigma, known.std[0]))
    apart = mass - before
    if abs(apart) < SIGMAS * sigma or abs(apart) < 0.1:
        return []
    title = "load at the tool [kg]"
    return [Change("payload_mass[0]", "payload", title, before, mass, apart / sigma)]
