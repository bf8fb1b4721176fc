"""Insert: bring a peg into a hole with 1 mm clearance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.kinematics import (
    Kinematics,
    quat_wxyz_from_rotation,
    rotation_from_quat_wxyz,
)
from forearm.core.robot import RobotSpec
from forearm.sim.model import SpecHook
from forearm.sim.tools import OBJECT_BITS, Spots, add_rod, find_spots, size_of, with_rod

from .task import Floats, Ids, Singles, State, Task

PEG, PEG_RADIUS = 0.08, 0.01
"""Peg of a one metre arm: length and radius [m]; its end is the tool frame."""

CLEARANCE = 0.001
"""Width of the hole less the diameter of the peg [m]: half of it on each side."""

BLOCK, WALL = 0.05, 0.02
"""Height of the block of a one metre arm, and thickness of its walls [m]."""

DEPTH = 0.6
"""Success needs the peg's end this share of the block below the mouth of the hole."""

HOVER = 0.03
"""Height of the peg's end over the mouth at the start, of a one metre arm [m]."""

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@lru_cache(maxsize=8)
def _spots(robot_name: str, asset: str) -> Spots:
    from forearm.core.robots import get_robot

    del asset
    robot = Insert.equip(get_robot(robot_name))
    size = size_of(robot)
    heights = (_goal(size), (BLOCK + HOVER) * size)
    return find_spots(
        robot, heights, lambda spec: add_rod(spec, robot, PEG * size, PEG_RADIUS)
    )


def _goal(size: float) -> float:
    """Height the peg's end is asked to: 10 % of the block deeper than it must [m]."""
    return (1.0 - DEPTH - 0.1) * BLOCK * size


class Insert(Task):
    """Peg's end three fifths of the block's height inside the hole, for 0.2 s."""

    name = "insert"
    summary = "bring a peg into a hole with 1 mm clearance"
    success = (
        "peg's end three fifths of the block (3 cm on a one metre arm) below the mouth "
        "of the hole for the last 0.2 s"
    )
    terms = (
        "joint_pos",
        "joint_vel",
        "command_lead",
        "previous_command_vel",
        "tool_position",
        "tool_axis",
        "position_error",
        "fine_position_error",
        "rotation_error",
        "position_gradient",
        "rotation_gradient",
    )
    episode_time = 5.0
    control_dt = 0.02
    hold_time = 0.2
    """Success needs the depth for this long [s]."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare holes for ``nsim`` simulations of ``robot``."""
        super().__init__(robot, nsim)
        self.size = size_of(robot)
        self.block = BLOCK * self.size
        """Height of the mouth of the hole [m]."""
        self.deep = DEPTH * self.block
        """Success needs the peg's end this far below it [m]."""
        self._spots = _spots(robot.name, robot.asset)
        pose = Kinematics(self.robot)(self._spots.joint_pos[0])
        self._quats = quat_wxyz_from_rotation(pose.rotation)
        self.target = np.zeros((nsim, 3), np.float32)
        self._quat_wxyz = np.zeros((nsim, 4), np.float32)
        self._held = np.zeros(nsim, np.intp)
        self._hold_steps = round(self.hold_time / self.control_dt)

    @classmethod
    def equip(cls, robot: RobotSpec) -> RobotSpec:
        """Return the arm with the peg's end as its tool frame."""
        return with_rod(robot, PEG * size_of(robot), cls.name)

    def hook(self) -> SpecHook:
        """Return what adds the peg and a block of four walls around a square hole."""
        half = PEG_RADIUS + 0.5 * CLEARANCE
        outside = half + WALL

        def add(spec: Any) -> None:
            add_rod(spec, self.robot, PEG * self.size, PEG_RADIUS)
            block = spec.worldbody.add_body(name="hole", mocap=True, pos=[0, 0.9, 0])
            for i, (x, y) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
                middle = half + 0.5 * WALL
                block.add_geom(
                    name=f"wall_{i}",
                    type=mujoco.mjtGeom.mjGEOM_BOX,
                    pos=[x * middle, y * middle, 0.5 * self.block],
                    size=[
                        0.5 * WALL if x else outside,
                        0.5 * WALL if y else outside,
                        0.5 * self.block,
                    ],
                    friction=(0.2, 0.005, 0.0001),
                    contype=OBJECT_BITS[0],
                    conaffinity=OBJECT_BITS[1],
                    rgba=[0.3, 0.5, 0.7, 0.6],
                )

        return add

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Draw a hole and a different place for the peg to start from."""
        size = len(self._spots.point)
        pairs = np.array([rng.choice(size, 2, replace=False) for rng in rngs])
        hole, start = pairs[:, 0], pairs[:, 1]
        self.target[ids, :2] = self._spots.point[hole]
        self.target[ids, 2] = _goal(self.size)
        self._quat_wxyz[ids] = self._quats[hole]
        self._held[ids] = 0
        return np.asarray(self._spots.joint_pos[1, start])

    def place(self, ids: Ids, rngs: list[np.random.Generator]) -> None:  # noqa: ARG002
        """Fix the block on the table."""
        position = self.target[ids].astype(np.float64)
        position[:, 2] = 0.0
        self.scene.place(ids, "hole", position, np.repeat(UPRIGHT[None], len(ids), 0))

    def sensors(self) -> Mapping[str, Singles]:
        """Return where the peg's end shall be [m], and its orientation."""
        return {"target_position": self.target, "target_quat_wxyz": self._quat_wxyz}

    def depth(self, position: Singles) -> tuple[Singles, Singles]:
        """Return how deep an end at ``position`` is and how far off the axis [m]."""
        off = np.linalg.norm((position - self.target)[:, :2], axis=1)
        return self.block - position[:, 2], off

    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Reward alignment above the hole first, then depth inside it."""
        depth, off = self.depth(state.pose.position)
        inside = (depth >= self.deep) & (off < 2 * CLEARANCE)
        self._held = np.where(inside, self._held + 1, 0)
        axis = state.pose.rotation[:, :, 2]
        wanted = rotation_from_quat_wxyz(self._quat_wxyz)[:, :, 2]
        tilt = np.linalg.norm(axis - wanted, axis=1)
        distance = np.linalg.norm(state.pose.position - self.target, axis=1)
        aligned = np.exp(-((off / 0.01) ** 2) - (tilt / 0.1) ** 2)
        progress = np.clip(depth / self.deep, 0.0, 1.0)
        change = state.action - state.previous_action
        reward = (
            0.3 * np.exp(-distance / 0.15)
            + 0.2 * np.exp(-tilt / 0.3)
            + 0.2 * aligned
            + 0.3 * aligned * progress
            - 0.02 * np.mean(state.action**2, axis=1)
            - 0.02 * np.mean(change**2, axis=1)
        )
        return reward.astype(np.float32), self._held >= self._hold_steps

    def info(self) -> dict[str, Any]:
        """Return depth, clearance, times, tool and where holes lie."""
        point, height = self._spots.point, _goal(self.size)
        return {
            "depth": self.deep,
            "clearance": CLEARANCE,
            "hold_time": self.hold_time,
            "episode_time": self.episode_time,
            "tool": {
                "kind": "peg",
                "length": PEG * self.size,
                "radius": PEG_RADIUS,
            },
            "target_low": [*point.min(axis=0).round(4).tolist(), height],
            "target_high": [*point.max(axis=0).round(4).tolist(), height],
        }
