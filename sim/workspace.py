"""Joint configurations a task may start from or ask for: free of collision."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.kinematics import Kinematics, quat_wxyz_from_rotation
from forearm.core.robot import RobotSpec

from .model import SpecHook, build_model

Floats = NDArray[np.float64]

POOL_SEED = 20_240_229
"""Fixed: the pool is part of the task, not of a run."""


@dataclass(frozen=True)
class Pool:
    """Collision-free joint configurations and their tool poses."""

    joint_pos: Floats
    """Joint positions [rad], (k, n)."""
    position: Floats
    """Tool positions in the base frame [m], (k, 3)."""
    quat_wxyz: Floats
    """Tool orientations in the base frame, (k, 4)."""


def reach_of(robot: RobotSpec) -> float:
    """Return the stretched length of the arm behind its second joint [m]."""
    links = [joint.xyz for joint in robot.joints[2:]]
    return float(sum(np.linalg.norm(xyz) for xyz in (*links, robot.tool_xyz)))


def make_pool(
    robot: RobotSpec,
    spread: Floats,
    *,
    size: int = 4096,
    clearance: float = 0.1,
    core: float = 0.0,
    hook: SpecHook | None = None,
) -> Pool:
    """Sample configurations ``home +- spread`` that touch nothing.

    Args:
        robot: the arm.
        spread: half range around home per joint [rad], (n,).
        size: number of configurations.
        clearance: least height of the tool over the base plane [m].
        core: least distance of the tool from the base's vertical axis, as a share
            of the arm's reach.
        hook: adds a task's objects, which must not be touched either.

    Raises:
        LimitError: hardly any configuration is free: the range is not usable.
    """
    rng = np.random.default_rng(POOL_SEED)
    model = build_model(robot, hook=hook)
    data = mujoco.MjData(model)
    address = [model.joint(name).qposadr[0] for name in robot.joint_names]
    low = np.maximum(robot.home - spread, robot.lower)
    high = np.minimum(robot.home + spread, robot.upper)
    kinematics, free, radius = Kinematics(robot), [], core * reach_of(robot)
    for _ in range(20 * size):
        joint_pos = rng.uniform(low, high)
        data.qpos[address] = joint_pos
        mujoco.mj_fwdPosition(model, data)
        x, y, z = data.site(robot.tool_frame).xpos
        if data.ncon == 0 and z > clearance and np.hypot(x, y) >= radius:
            free.append(joint_pos)
            if len(free) == size:
                break
    if len(free) < size:
        raise LimitError(
            f"only {len(free)} of {20 * size} configurations within {spread} rad of "
            f"home are free of collision; {size} are needed: narrow the range"
        )
    chosen = np.array(free)
    pose = kinematics(chosen)
    return Pool(chosen, pose.position, quat_wxyz_from_rotation(pose.rotation))
