"""Capsules and masses of an arm for its contract, read from the compiled MJCF."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.geometry import Capsule, Frame, Geometry, Mass, Point
from forearm.core.kinematics import Kinematics
from forearm.core.robot import RobotSpec

from .model import build_model

Floats = NDArray[np.float64]

SAME = 1e-6
"""Distance below which a capsule is at the same place for every gripper opening [m]."""

_SLENDER = {int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_CYLINDER)}


def arm_geometry(robot: RobotSpec) -> Geometry:
    """Return chain, capsules, the pairs that must stay apart, and masses.

    Capsules and cylinders keep segment and radius; every other shape gets the capsule
    around its box. A commanded gripper's fingers appear open and closed. Pairs are
    those that MuJoCo lets collide and that lie at least one link apart.
    """
    arm = robot.arm
    chain = [Frame(xyz=j.xyz, rpy=j.rpy, axis=j.axis) for j in arm.joints]
    model = build_model(robot)
    found: list[tuple[Capsule, int]] = []
    for qpos in _postures(model, robot):
        for capsule, geom in _capsules(model, arm, qpos):
            if not any(_same(capsule, other) for other, _ in found):
                found.append((capsule, geom))
    pairs = [
        (i, j)
        for (i, (a, g)), (j, (b, h)) in combinations(enumerate(found), 2)
        if abs(a.link - b.link) > 1 and _collide(model, g, h)
    ]
    return Geometry(
        chain=chain,
        tool=Frame(xyz=arm.tool_xyz, rpy=arm.tool_rpy),
        capsules=[capsule for capsule, _ in found],
        pairs=pairs,
        source=f"collision shapes of {Path(robot.asset).name}",
        masses=_masses(model if robot is arm else build_model(arm), arm),
    )


def _postures(model: Any, robot: RobotSpec) -> Iterator[Floats]:
    """Yield ``qpos`` with every joint at zero, once per end of a gripper's travel."""
    gripper = robot.gripper
    if gripper is None or not robot.grips:
        yield np.zeros(model.nq)
        return
    for opening in (gripper.open, gripper.closed):
        qpos = np.zeros(model.nq)
        for name in (gripper.joint.name, *gripper.mimic):
            qpos[model.joint(name).qposadr] = opening
        yield qpos


def _capsules(
    model: Any, arm: RobotSpec, qpos: Floats
) -> Iterator[tuple[Capsule, int]]:
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    frames = Kinematics(arm).link_frames(np.zeros((1, arm.n)))[0]
    for g in range(model.ngeom):
        body = model.geom_bodyid[g]
        if body == 0 or not model.geom_contype[g] | model.geom_conaffinity[g]:
            continue
        link = _link(model, arm, body)
        turn, at = data.geom_xmat[g].reshape(3, 3), data.geom_xpos[g]
        a, b, radius = _segment(model, g)
        start, end = (
            # The transpose of a rotation is its inverse.
            _point(frames[link, :3, :3].T @ (turn @ p + at - frames[link, :3, 3]))
            for p in (a, b)
        )
        name = model.geom(g).name or model.body(body).name
        yield Capsule(name=name, link=link, start=start, end=end, radius=radius), g


def _masses(model: Any, arm: RobotSpec) -> list[Mass]:
    """Return mass and centre of what each joint moves up to the next, in its frame."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    frames = Kinematics(arm).link_frames(np.zeros((1, arm.n)))[0]
    mass, moment = np.zeros(arm.n + 1), np.zeros((arm.n + 1, 3))
    for body in range(1, model.nbody):
        link = _link(model, arm, body)
        mass[link] += model.body_mass[body]
        moment[link] += model.body_mass[body] * (data.xipos[body] - frames[link, :3, 3])
    return [
        Mass(mass=float(m), com=_point(frame[:3, :3].T @ (first / m)))
        for m, first, frame in zip(mass[1:], moment[1:], frames[1:-1], strict=True)
    ]


def _link(model: Any, arm: RobotSpec, body: int) -> int:
    """Return how many of the arm's joints move ``body``."""
    ids, count = {model.joint(j.name).id for j in arm.joints}, 0
    while body:
        first = model.body_jntadr[body]
        count += len(ids & set(range(first, first + model.body_jntnum[body])))
        body = model.body_parentid[body]
    return count


def _segment(model: Any, g: int) -> tuple[Floats, Floats, float]:
    """Return both ends in the geom's frame and the radius [m]."""
    size = model.geom_size[g]
    if int(model.geom_type[g]) in _SLENDER:
        half = np.array([0.0, 0.0, size[1]])
        return -half, half, float(size[0])
    centre, extent = model.geom_aabb[g, :3], model.geom_aabb[g, 3:]
    longest = int(np.argmax(extent))
    half = np.zeros(3)
    half[longest] = extent[longest]
    radius = float(np.linalg.norm(np.delete(extent, longest)))
    return centre - half, centre + half, radius


def _collide(model: Any, g: int, h: int) -> bool:
    one, other = sorted((int(model.geom_bodyid[g]), int(model.geom_bodyid[h])))
    if (one << 16) + other in model.exclude_signature:
        return False
    return bool(
        model.geom_contype[g] & model.geom_conaffinity[h]
        or model.geom_contype[h] & model.geom_conaffinity[g]
    )


def _same(one: Capsule, other: Capsule) -> bool:
    ends = np.array([one.start, one.end]) - np.array([other.start, other.end])
    return one.name == other.name and float(np.abs(ends).max()) < SAME


def _point(values: Floats) -> Point:
    x, y, z = (round(float(value), 9) for value in values)
    return x, y, z
