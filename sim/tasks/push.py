"""Push: shove a puck over the table to a target with a rod."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.robot import RobotSpec
from forearm.sim.camera import Camera, CameraSpec
from forearm.sim.goals import ObjectGoal
from forearm.sim.model import SpecHook
from forearm.sim.tools import OBJECT_BITS, Spots, add_rod, find_spots, size_of, with_rod

from .task import Floats, Ids, Singles, State, Task

ROD, ROD_RADIUS = 0.08, 0.012
"""Length and radius of the rod of a one metre arm [m]; its tip is the tool frame."""

PUCK_RADIUS, PUCK_HEIGHT, PUCK_MASS = 0.05, 0.05, 0.3
"""Puck of a one metre arm [m, m, kg]: an ice-hockey puck is 38 mm and 0.16 kg."""

FRICTION = (0.6, 0.005, 0.0001)
"""Sliding, torsional and rolling friction of the puck: plastic on wood, a guess."""

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@lru_cache(maxsize=8)
def _spots(robot_name: str, asset: str, height: float, hover: float) -> Spots:
    from forearm.core.robots import get_robot

    del asset
    robot = Push.equip(get_robot(robot_name))
    size = size_of(robot)
    return find_spots(
        robot,
        (height, hover),
        lambda spec: add_rod(spec, robot, ROD * size, ROD_RADIUS * size),
    )


class Push(Task):
    """Puck within 2 cm of the target, resting there for 0.3 s."""

    name = "push"
    summary = "push a puck over the table to a target with a rod"
    success = "puck within 2 cm of the target for the last 0.3 s"
    terms = (
        "joint_pos",
        "joint_vel",
        "command_lead",
        "previous_command_vel",
        "tool_position",
        "tool_axis",
        "tool_to_object",
        "object_to_target",
        "object_gradient",
    )
    episode_time = 8.0
    control_dt = 0.02
    goal = ObjectGoal(tolerance=0.02)
    tolerance = 0.02
    """Success needs the puck this close, measured in the table's plane [m]."""
    hold_time = 0.3
    """Success needs it for this long [s]."""
    nearest, farthest = 0.1, 0.25
    """Distance from puck to target at the start, of a one metre arm [m]."""
    camera = CameraSpec()
    """How the policy sees the puck."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare pucks and targets for ``nsim`` simulations of ``robot``."""
        super().__init__(robot, nsim)
        self.size = size_of(robot)
        self.radius = PUCK_RADIUS * self.size
        self.height = PUCK_HEIGHT * self.size
        self.rod_radius = ROD_RADIUS * self.size
        self.hover = self.height + 0.03 * self.size
        """Height of the rod's tip at the start [m]: clear of the puck."""
        self._spots = _spots(robot.name, robot.asset, 0.5 * self.height, self.hover)
        self.target = np.zeros((nsim, 3), np.float32)
        self._start = np.zeros((nsim, 3))
        self._held = np.zeros(nsim, np.intp)
        self._hold_steps = round(self.hold_time / self.control_dt)
        self._camera = Camera(self.camera, nsim, self.control_dt, self.steps)

    @classmethod
    def equip(cls, robot: RobotSpec) -> RobotSpec:
        """Return the arm with the rod's tip as its tool frame."""
        return with_rod(robot, ROD * size_of(robot), cls.name)

    def hook(self) -> SpecHook:
        """Return what adds rod, puck and the mark of the target."""

        def add(spec: Any) -> None:
            add_rod(spec, self.robot, ROD * self.size, self.rod_radius)
            puck = spec.worldbody.add_body(name="puck", pos=[0, 0.9, 0.5 * self.height])
            puck.add_freejoint()
            puck.add_geom(
                name="puck",
                type=mujoco.mjtGeom.mjGEOM_CYLINDER,
                size=[self.radius, 0.5 * self.height, 0],
                mass=PUCK_MASS * self.size**3,
                friction=FRICTION,
                contype=OBJECT_BITS[0],
                conaffinity=OBJECT_BITS[1],
                rgba=[0.9, 0.5, 0.15, 1],
            )

        return add

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Draw puck and target apart from each other, and a place for the rod."""
        start = np.zeros((len(ids), self.robot.n))
        for k, (i, rng) in enumerate(zip(ids, rngs, strict=True)):
            puck, goal = self._pair(rng)
            self._start[i] = *puck, 0.5 * self.height
            self.target[i] = *goal, 0.5 * self.height
            start[k] = self._spots.joint_pos[1, rng.integers(len(self._spots.point))]
        self._held[ids] = 0
        return start

    def _pair(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        points = self._spots.point
        while True:
            puck, goal = points[rng.integers(len(points), size=2)]
            distance = np.linalg.norm(goal - puck) / self.size
            if self.nearest <= distance <= self.farthest:
                return puck, goal

    def place(self, ids: Ids, rngs: list[np.random.Generator]) -> None:
        """Lay the puck on the table and let the camera see it."""
        quat = np.repeat(UPRIGHT[None], len(ids), axis=0)
        self.scene.place(ids, "puck", self._start[ids], quat)
        self._camera.start(ids, self._start[ids], quat, rngs)

    def watch(self) -> None:
        """Let the camera look at the puck."""
        self._camera.push(self.scene.position("puck"), self.scene.quat_wxyz("puck"))

    def sensors(self) -> Mapping[str, Singles]:
        """Return the target and the seen puck [m]."""
        position, _ = self._camera.see()
        return {"target_position": self.target, "object_position": position}

    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Reward the puck's way to the target and the rod's way to the puck."""
        puck = self.scene.position("puck").astype(np.float32)
        distance = np.linalg.norm((puck - self.target)[:, :2], axis=1)
        rod = np.linalg.norm(puck - state.pose.position, axis=1)
        self._held = np.where(distance < self.tolerance, self._held + 1, 0)
        change = state.action - state.previous_action
        reward = (
            0.5 * np.exp(-distance / (0.15 * self.size))
            + 0.3 * np.exp(-((distance / self.tolerance) ** 2))
            + 0.2 * np.exp(-np.maximum(rod - self.radius, 0.0) / 0.1)
            - 0.02 * np.mean(state.action**2, axis=1)
            - 0.02 * np.mean(change**2, axis=1)
        )
        return reward.astype(np.float32), self._held >= self._hold_steps

    def info(self) -> dict[str, Any]:
        """Return tolerance, times, tool, puck and where targets lie."""
        point = self._spots.point
        return {
            "tolerance": self.tolerance,
            "hold_time": self.hold_time,
            "episode_time": self.episode_time,
            "tool": {
                "kind": "rod",
                "length": ROD * self.size,
                "radius": self.rod_radius,
            },
            "object": {"radius": self.radius, "height": self.height},
            "target_low": [*point.min(axis=0).round(4).tolist(), 0.5 * self.height],
            "target_high": [*point.max(axis=0).round(4).tolist(), 0.5 * self.height],
        }
