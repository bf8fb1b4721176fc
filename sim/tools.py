"""Tools and fixtures a task adds to an arm, and where on the table they work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.robot import RobotSpec

from .inverse_kinematics import solve_down
from .model import SpecHook, build_model
from .mount import add_at_site
from .workspace import POOL_SEED, reach_of

Floats = NDArray[np.float64]

TOOL_BITS, OBJECT_BITS = (4, 6), (5, 7)
"""(contype, conaffinity): a tool meets objects and the table, never its own arm."""

STEEL = 7850.0
"""Density of a steel tool [kg/m^3]."""

MARGIN = 0.05
"""Distance a working configuration keeps from the joint limits [rad]."""


def size_of(robot: RobotSpec) -> float:
    """Return the length unit of a task's tools and objects on ``robot``.

    The length of the arm behind its second joint in metres, without a tool, at least
    0.5 and at most 1.
    """
    links = [joint.xyz for joint in robot.joints[2 : robot.arm_n]]
    return float(np.clip(sum(np.linalg.norm(xyz) for xyz in links), 0.5, 1.0))


def with_rod(robot: RobotSpec, length: float, name: str) -> RobotSpec:
    """Return ``robot`` with its tool frame ``length`` [m] further along its z axis."""
    mark = f"tool:{name}"
    if mark in robot.sources:
        return robot
    from forearm.core.kinematics import rotation_from_rpy

    tip = np.array(robot.tool_xyz) + rotation_from_rpy(robot.tool_rpy)[:, 2] * length
    xyz = (float(tip[0]), float(tip[1]), float(tip[2]))
    sources = {**robot.sources, mark: f"{length} m along the tool's z axis"}
    return replace(robot, tool_xyz=xyz, sources=sources)


def add_rod(spec: Any, robot: RobotSpec, length: float, radius: float) -> None:
    """Fix a steel rod with a round tip to the tool; its weight is compensated."""
    body = add_at_site(spec, robot.tool_frame, "rod")
    body.gravcomp = 1
    body.add_geom(
        name="rod",
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[0, 0, radius, 0, 0, length - radius],
        size=[radius, 0, 0],
        density=STEEL,
        contype=TOOL_BITS[0],
        conaffinity=TOOL_BITS[1],
        rgba=[0.55, 0.57, 0.6, 1],
    )


@dataclass(frozen=True)
class Spots:
    """Points over the table where the tool can point straight down."""

    point: Floats
    """Points on the table [m], (k, 2)."""
    joint_pos: Floats
    """Joint positions for each height [rad], (heights, k, n)."""


def find_spots(
    robot: RobotSpec,
    heights: Sequence[float],
    hook: SpecHook | None = None,
    *,
    spread: float = 0.6,
    count: int = 96,
) -> Spots:
    """Sample table points in front of the arm that it reaches at every height.

    Args:
        robot: the arm with its tool.
        heights: tool heights over the table [m].
        hook: the task's objects, which must not be touched.
        spread: half angle around the direction of home [rad].
        count: points wanted.

    Raises:
        LimitError: the arm reaches too few of them.
    """
    from forearm.core.kinematics import Kinematics

    rng = np.random.default_rng(POOL_SEED)
    home = Kinematics(robot)(robot.home[None]).position[0]
    angle = np.arctan2(home[1], home[0]) + rng.uniform(-spread, spread, 8 * count)
    radius = reach_of(robot) * rng.uniform(0.2, 0.8, 8 * count)
    point = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    good = np.ones(len(point), np.bool_)
    start = np.repeat(robot.home[None], len(point), axis=0)
    rows = []
    for height in sorted(heights, reverse=True):
        target = np.concatenate([point, np.full((len(point), 1), height)], axis=1)
        start, error = solve_down(robot, target, start)
        inside = (start > robot.lower + MARGIN) & (start < robot.upper - MARGIN)
        good &= (error < 1e-4) & inside[:, : robot.arm_n].all(axis=1)
        good[good] = _free(robot, hook, start[good])
        rows.append(start)
    # The nearest and the farthest quarter lie at the edge of what is possible.
    near, far = np.quantile(radius[good], [0.2, 0.8]) if good.any() else (0.0, 0.0)
    good &= (radius >= near) & (radius <= far)
    if good.sum() < count:
        raise LimitError(
            f"{robot.name} reaches only {good.sum()} of {len(good)} points of the "
            f"table with its tool pointing down; {count} are needed"
        )
    order = np.argsort(np.argsort(-np.array(heights)))
    chosen = np.flatnonzero(good)[:count]
    return Spots(point[chosen], np.stack([rows[i][chosen] for i in order]))


def _free(
    robot: RobotSpec, hook: SpecHook | None, joint_pos: Floats
) -> NDArray[np.bool_]:
    """Return in which configurations (k, n) the arm touches nothing."""
    model = build_model(robot, hook=hook)
    data = mujoco.MjData(model)
    address = [model.joint(name).qposadr[0] for name in robot.joint_names]
    arm = {int(model.body(name).id) for name in _bodies(model, robot)}
    free = []
    for row in joint_pos:
        data.qpos[address] = row
        mujoco.mj_fwdPosition(model, data)
        touching = [model.geom_bodyid[g] for c in data.contact for g in c.geom]
        free.append(not arm & {int(b) for b in touching})
    return np.array(free, np.bool_)


def _bodies(model: Any, robot: RobotSpec) -> list[str]:
    """Names of the bodies that move with the arm."""
    first = int(model.joint(robot.joint_names[0]).bodyid[0])
    return [
        model.body(i).name
        for i in range(model.nbody)
        if model.body_rootid[i] == model.body_rootid[first]
    ]
