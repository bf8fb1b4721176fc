"""Track: follow a moving pose closely."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.kinematics import (
    Kinematics,
    quat_wxyz_from_rotation,
    rotation_angle,
)
from forearm.core.robot import RobotSpec
from forearm.sim.tools import size_of
from forearm.sim.workspace import Pool, make_pool

from .task import Floats, Ids, Singles, State, Task

AMPLITUDE = 0.25
"""Largest swing of each joint around the middle of the path [rad]."""

SPREAD = 0.6
"""Half range of all configurations around home [rad]."""

HEADSTART = 0.2
"""Largest difference per joint between the arm and the path at the start [rad]."""


@lru_cache(maxsize=8)
def _pool(robot_name: str, asset: str) -> Pool:
    from forearm.core.robots import get_robot

    del asset
    robot = get_robot(robot_name)
    return make_pool(
        robot,
        np.full(robot.n, SPREAD - AMPLITUDE),
        size=512,
        clearance=0.25 * size_of(robot),
        core=0.35,
    )


class Track(Task):
    """Root mean square error below 2 cm and 0.15 rad after the first 1.5 s."""

    name = "track"
    summary = "follow a moving tool pose closely"
    success = "rms error from 1.5 s on below 2 cm and 0.15 rad"
    terms = (
        "joint_pos",
        "joint_vel",
        "command_lead",
        "previous_command_vel",
        "tool_position",
        "tool_axis",
        "position_error",
        "rotation_error",
        "position_gradient",
        "rotation_gradient",
        "target_velocity",
    )
    episode_time = 5.0
    control_dt = 0.02
    settle_time = 1.5
    """Errors before this do not count [s]."""
    position_tolerance = 0.02
    """Largest root mean square distance [m]."""
    angle_tolerance = 0.15
    """Largest root mean square angle [rad]."""
    speed = 0.4
    """Fastest joint of the path, as a share of the policy's velocity limit."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare paths for ``nsim`` simulations of ``robot``."""
        super().__init__(robot, nsim)
        self._kinematics = Kinematics(self.robot)
        self._pool = _pool(robot.name, robot.asset)
        n = self.robot.n
        self._middle = np.zeros((nsim, n))
        self._swing = np.zeros((nsim, n))
        self._rate = np.zeros((nsim, n))
        self._phase = np.zeros((nsim, n))
        self.time = np.zeros(nsim)
        """Time since the start of each episode [s]."""
        self._squares = np.zeros((nsim, 2))
        self._count = np.zeros(nsim)

    def path(self, ahead: float = 0.0) -> tuple[Floats, Floats]:
        """Return joint positions [rad] and velocities of the path, (nsim, n) each.

        The target moves as this arm's tool would: every pose can be reached, also by
        arms with five joints.
        """
        angle = self._rate * (self.time[:, None] + ahead) + self._phase
        position = self._middle + self._swing * np.sin(angle)
        return position, self._swing * self._rate * np.cos(angle)

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Draw a path and a start beside it."""
        top = self.robot.vector("velocity") * self.limits.velocity * self.speed
        offset = np.zeros((len(ids), self.robot.n))
        for k, (i, rng) in enumerate(zip(ids, rngs, strict=True)):
            self._middle[i] = self._pool.joint_pos[
                rng.integers(len(self._pool.joint_pos))
            ]
            self._swing[i] = rng.uniform(0.3, 1.0, self.robot.n) * AMPLITUDE
            rate = 2 * np.pi * rng.uniform(0.15, 0.35, self.robot.n)
            self._rate[i] = np.minimum(rate, top / self._swing[i])
            self._phase[i] = rng.uniform(-np.pi, np.pi, self.robot.n)
            offset[k] = rng.uniform(-HEADSTART, HEADSTART, self.robot.n)
        self.time[ids] = 0.0
        self._squares[ids] = 0.0
        self._count[ids] = 0.0
        return np.asarray(self.path()[0][ids] + offset)

    def watch(self) -> None:
        """Move the target on by one control period."""
        self.time += self.control_dt

    def sensors(self) -> Mapping[str, Singles]:
        """Return the target's pose now and its velocity [m/s]."""
        joint_pos, joint_vel = self.path()
        pose = self._kinematics(joint_pos)
        lever = pose.position[:, None, :] - pose.joint_position
        arm = joint_vel[:, : self.robot.arm_n, None]
        velocity = np.sum(np.cross(pose.joint_axis, lever) * arm, axis=1)
        return {
            "target_position": pose.position.astype(np.float32),
            "target_quat_wxyz": quat_wxyz_from_rotation(pose.rotation).astype(
                np.float32
            ),
            "target_velocity": velocity.astype(np.float32),
        }

    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Reward closeness and calm; succeed while the error over time is small."""
        target = self._kinematics(self.path()[0])
        distance = np.linalg.norm(state.pose.position - target.position, axis=1)
        angle = rotation_angle(state.pose.rotation, target.rotation)
        counted = self.time > self.settle_time
        self._count += counted
        self._squares += counted[:, None] * np.stack([distance, angle], axis=1) ** 2
        rms = np.sqrt(self._squares / np.maximum(self._count, 1.0)[:, None])
        limit = (self.position_tolerance, self.angle_tolerance)
        success = (rms < limit).all(axis=1) & (self._count > 0)
        change = state.action - state.previous_action
        reward = (
            0.4 * np.exp(-distance / 0.1)
            + 0.2 * np.exp(-angle / 0.3)
            + 0.4 * np.exp(-((distance / 0.02) ** 2) - (angle / 0.15) ** 2)
            - 0.005 * np.mean(state.action**2, axis=1)
            - 0.02 * np.mean(change**2, axis=1)
        )
        return reward.astype(np.float32), success

    def info(self) -> dict[str, Any]:
        """Return tolerances, times and where targets move."""
        position = self._pool.position
        return {
            "position_tolerance": self.position_tolerance,
            "angle_tolerance": self.angle_tolerance,
            "settle_time": self.settle_time,
            "episode_time": self.episode_time,
            "target_low": position.min(axis=0).round(4).tolist(),
            "target_high": position.max(axis=0).round(4).tolist(),
        }
