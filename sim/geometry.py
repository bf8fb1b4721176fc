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

from .model import SpecHook, asset_path, build_model

Floats = NDArray[np.float64]

SAME = 1e-6
"""Way below which a gripper does not move a geom [m]."""

GAP = 0.01
"""Most that a gripper's capsules grow so that a few stand for its whole travel [m]."""

MOST_CELLS = 16
"""Most capsules per geom of a gripper."""

_SLENDER = {int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_CYLINDER)}


def arm_geometry(robot: RobotSpec, hook: SpecHook | None = None) -> Geometry:
    """Return chain, capsules, the pairs that must stay apart, and masses.

    Capsules and cylinders keep segment and radius; every other shape gets the capsule
    around its box. A gripper appears over its whole travel, commanded or not: whoever
    opens it does not ask whether there is room. Pairs are those that MuJoCo lets
    collide, and a task's tool with all of the arm, that lie at least one link apart.

    Args:
        robot: the arm, with the task's tool.
        hook: adds the task's tool and objects; objects are no part of the arm.
    """
    arm = robot.arm
    moving = robot.with_gripper() if robot.gripper else robot
    model = build_model(moving, hook=hook, freeze=False)
    own = _own_bodies(model, robot)
    found = list(_capsules(model, moving, own))
    pairs = [
        (i, j)
        for (i, (a, g)), (j, (b, h)) in combinations(enumerate(found), 2)
        if abs(a.link - b.link) > 1 and _collide(model, g, h, own)
    ]
    return Geometry(
        chain=[Frame(xyz=j.xyz, rpy=j.rpy, axis=j.axis) for j in arm.joints],
        tool=Frame(xyz=arm.tool_xyz, rpy=arm.tool_rpy),
        capsules=[capsule for capsule, _ in found],
        pairs=pairs,
        source=f"collision shapes of {Path(robot.asset).name}",
        masses=_masses(model, moving),
    )


def _own_bodies(model: Any, robot: RobotSpec) -> set[int]:
    """Return the bodies that stand in the arm's MJCF, not added by a task."""
    spec = mujoco.MjSpec.from_file(str(asset_path(robot)))
    names = {body.name for body in spec.bodies}
    return {b for b in range(model.nbody) if model.body(b).name in names}


def _capsules(
    model: Any, robot: RobotSpec, own: set[int]
) -> Iterator[tuple[Capsule, int]]:
    """Yield each capsule and its geom; several for one that the gripper moves."""
    shapes = [_segment(model, g) for g in range(model.ngeom)]
    segments = np.array([(a, b) for a, b, _ in shapes])
    links = [_link(model, robot.arm, body) for body in model.geom_bodyid]
    places, growth = _sweep(model, robot, segments, links)
    for g, body in enumerate(model.geom_bodyid):
        collides = model.geom_contype[g] | model.geom_conaffinity[g]
        if body == 0 or not collides or (links[g] == 0 and body not in own):
            continue
        name = model.geom(g).name or model.body(body).name
        radius = float(shapes[g][2] + growth[g])
        for start, end in places[:, g] if growth[g] > SAME else places[:1, g]:
            ends = {"start": _point(start), "end": _point(end)}
            yield Capsule(name=name, link=links[g], radius=radius, **ends), g


def _sweep(
    model: Any, robot: RobotSpec, segments: Floats, links: list[int]
) -> tuple[Floats, Floats]:
    """Return every geom's segment over the gripper's travel, and what they leave out.

    Returns:
        Segments in their links' frames [m], (cells, ngeom, 2, 3), one in the middle of
        each equal part of the travel, and how far an end gets from the nearest [m],
        (ngeom,): capsules that much thicker hold the geom in every opening.
    """
    data, base = mujoco.MjData(model), _rest(model, robot)
    frames = Kinematics(robot.arm).link_frames(np.zeros((1, robot.arm_n)))[0][links]
    address, low, high = _fingers(model, robot)

    def place(share: float) -> Floats:
        data.qpos[:] = base
        data.qpos[address] = low + share * (high - low)
        mujoco.mj_kinematics(model, data)
        turn = data.geom_xmat.reshape(-1, 1, 3, 3)
        world = (turn @ segments[..., None])[..., 0] + data.geom_xpos[:, None]
        # The transpose of a rotation is its inverse.
        back = frames[:, None, :3, :3].swapaxes(-1, -2)
        inside: Floats = (back @ (world - frames[:, None, :3, 3])[..., None])[..., 0]
        return inside

    for cells in range(1, MOST_CELLS + 1):
        grid = np.array([place(k / (2 * cells)) for k in range(2 * cells + 1)])
        middle = grid[1::2]
        away = [np.linalg.norm(middle - e, axis=-1) for e in (grid[:-1:2], grid[2::2])]
        growth: Floats = np.max(away, axis=(0, 1, 3))
        if growth.max() <= GAP:
            break
    return middle, growth


def _fingers(model: Any, robot: RobotSpec) -> tuple[list[int], Floats, Floats]:
    """Return ``qpos`` addresses and range of every joint that the arm carries."""
    if robot.gripper is not None:
        names = (robot.gripper.joint.name, *robot.gripper.mimic)
        one = robot.gripper.joint
        found = [(model.joint(n).qposadr[0], one.lower, one.upper) for n in names]
    else:
        found, own = [], {model.joint(name).id for name in robot.joint_names}
        for j in range(model.njnt):
            hinge = model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE
            slide = model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE
            if j in own or not _link(model, robot, model.jnt_bodyid[j]):
                continue
            limited, around = model.jnt_limited[j], (-np.pi, np.pi)
            if limited or hinge:
                ends = model.jnt_range[j] if limited else around
                found += [(model.jnt_qposadr[j], *ends)] if hinge or slide else []
    address, low, high = np.array(found, float).reshape(-1, 3).T
    return address.astype(int).tolist(), low, high


def _rest(model: Any, robot: RobotSpec) -> Floats:
    """Return ``qpos`` with the arm at zero and a gripper where it rests."""
    qpos: Floats = model.qpos0.copy()
    for joint in robot.arm.joints:
        qpos[model.joint(joint.name).qposadr] = 0.0
    if robot.gripper is not None:
        for name in (robot.gripper.joint.name, *robot.gripper.mimic):
            qpos[model.joint(name).qposadr] = robot.gripper.joint.home
    return qpos


def _masses(model: Any, robot: RobotSpec) -> list[Mass]:
    """Return mass and centre of what each joint moves up to the next, in its frame."""
    arm, data = robot.arm, mujoco.MjData(model)
    data.qpos[:] = _rest(model, robot)
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


def _collide(model: Any, g: int, h: int, own: set[int]) -> bool:
    bodies = {int(model.geom_bodyid[g]), int(model.geom_bodyid[h])}
    if not bodies <= own:
        return True
    one, other = min(bodies), max(bodies)
    if (one << 16) + other in model.exclude_signature:
        return False
    return bool(
        model.geom_contype[g] & model.geom_conaffinity[h]
        or model.geom_contype[h] & model.geom_conaffinity[g]
    )


def _point(values: Floats) -> Point:
    x, y, z = (round(float(value), 9) for value in values)
    return x, y, z
