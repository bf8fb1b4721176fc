"""Pick and place: put a can from the table onto a stand."""

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
from forearm.sim.gripper import add_gripper, with_gripper
from forearm.sim.model import SpecHook
from forearm.sim.tools import OBJECT_BITS, Spots, find_spots, size_of

from .task import Floats, Ids, Singles, State, Task

RADIUS, HEIGHT, MASS = 0.02, 0.05, 0.1
"""Can of a one metre arm [m, m, kg]; the gripper's turn does not matter to it."""

STAND, STAND_RADIUS = 0.06, 0.05
"""Height and radius of the stand of a one metre arm [m]: nothing is pushed onto it."""

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@lru_cache(maxsize=8)
def _spots(robot_name: str, asset: str, heights: tuple[float, ...]) -> Spots:
    from forearm.core.robots import get_robot

    del asset
    robot = PickPlace.equip(get_robot(robot_name))
    return find_spots(robot, heights, lambda spec: add_gripper(spec, robot))


class PickPlace(Task):
    """Can standing on the stand, let go, for 0.3 s."""

    name = "pick_place"
    summary = "put a can from the table onto a stand"
    success = (
        "can at rest on the stand within 2 cm, tool 4 cm away (less for a small arm), "
        "for the last 0.3 s"
    )
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
    episode_time = 10.0
    control_dt = 0.02
    goal = ObjectGoal(tolerance=0.02)
    tolerance = 0.02
    """Success needs the can this close to its place on the stand [m]."""
    upright_tolerance = 0.005
    """Success needs its centre this close to standing height [m]."""
    rest_speed = 0.03
    """Success needs the can slower than this [m/s]."""
    away = 0.04
    """Success needs the tool this far from the can's centre, on a one metre arm [m]: it
    has let go."""
    hold_time = 0.3
    """Success needs all of it for this long [s]."""
    nearest = 0.13
    """Least distance from can to stand at the start, of a one metre arm [m]."""
    camera = CameraSpec()
    """How the policy sees the can."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare cans and stands for ``nsim`` simulations of ``robot``."""
        super().__init__(robot, nsim)
        self.size = size = size_of(robot)
        self.radius, self.half = RADIUS * size, 0.5 * HEIGHT * size
        self.stand = STAND * size
        self.carry = self.stand + 3 * self.half
        """Height of the can's centre while it is carried [m]."""
        heights = (self.half, self.stand + self.half, self.carry)
        self._spots = _spots(robot.name, robot.asset, heights)
        self.target = np.zeros((nsim, 3), np.float32)
        self._start = np.zeros((nsim, 3))
        self._held = np.zeros(nsim, np.intp)
        self._hold_steps = round(self.hold_time / self.control_dt)
        self._camera = Camera(self.camera, nsim, self.control_dt, self.steps)

    @classmethod
    def equip(cls, robot: RobotSpec) -> RobotSpec:
        """Return the arm with its gripper commanded; one is mounted if it has none."""
        return with_gripper(robot)

    def hook(self) -> SpecHook:
        """Return what adds gripper, can and stand."""

        def add(spec: Any) -> None:
            add_gripper(spec, self.robot)
            common: dict[str, Any] = {
                "type": mujoco.mjtGeom.mjGEOM_CYLINDER,
                "friction": (0.8, 0.01, 0.0001),
                "contype": OBJECT_BITS[0],
                "conaffinity": OBJECT_BITS[1],
            }
            can = spec.worldbody.add_body(name="can", pos=[0, 0.9, self.half])
            can.add_freejoint()
            can.add_geom(
                name="can",
                size=[self.radius, self.half, 0],
                mass=MASS * self.size**3,
                condim=4,
                rgba=[0.2, 0.6, 0.3, 1],
                **common,
            )
            stand = spec.worldbody.add_body(name="stand", mocap=True, pos=[0, -0.9, 0])
            stand.add_geom(
                name="stand",
                pos=[0, 0, 0.5 * self.stand],
                size=[STAND_RADIUS * self.size, 0.5 * self.stand, 0],
                rgba=[0.5, 0.5, 0.55, 1],
                **common,
            )

        return add

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Draw can and stand apart from each other, and a place for the tool."""
        start = np.zeros((len(ids), self.robot.n))
        for k, (i, rng) in enumerate(zip(ids, rngs, strict=True)):
            can, goal = self._pair(rng)
            self._start[i] = *can, self.half
            self.target[i] = *goal, self.stand + self.half
            start[k] = self._spots.joint_pos[2, rng.integers(len(self._spots.point))]
        self._held[ids] = 0
        return start

    def _pair(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        points = self._spots.point
        while True:
            can, goal = points[rng.integers(len(points), size=2)]
            if np.linalg.norm(goal - can) >= self.nearest * self.size:
                return can, goal

    def place(self, ids: Ids, rngs: list[np.random.Generator]) -> None:
        """Put the can on the table, the stand at its target; let the camera see."""
        quat = np.repeat(UPRIGHT[None], len(ids), axis=0)
        self.scene.place(ids, "can", self._start[ids], quat)
        foot = self.target[ids].astype(np.float64)
        foot[:, 2] = 0.0
        self.scene.place(ids, "stand", foot, quat)
        self._camera.start(ids, self._start[ids], quat, rngs)

    def watch(self) -> None:
        """Let the camera look at the can."""
        self._camera.push(self.scene.position("can"), self.scene.quat_wxyz("can"))

    def sensors(self) -> Mapping[str, Singles]:
        """Return the target and the seen can [m]."""
        position, _ = self._camera.see()
        return {"target_position": self.target, "object_position": position}

    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Reward reaching the can, lifting it, its way to the stand, letting go."""
        can = self.scene.position("can").astype(np.float32)
        tool = np.linalg.norm(can - state.pose.position, axis=1)
        off = can - self.target
        distance = np.linalg.norm(off, axis=1)
        placed = (distance < self.tolerance) & (
            np.abs(off[:, 2]) < self.upright_tolerance
        )
        calm = np.linalg.norm(self.scene.velocity("can"), axis=1) < self.rest_speed
        free = tool > self.away * self.size
        self._held = np.where(placed & calm & free, self._held + 1, 0)
        lift = np.clip((can[:, 2] - self.half) / self.stand, 0.0, 1.0)
        change = state.action - state.previous_action
        reward = (
            0.2 * np.where(placed, 1.0, np.exp(-tool / 0.1))
            + 0.2 * lift
            + 0.3 * lift * np.exp(-distance / (0.15 * self.size))
            + 0.1 * placed
            + 0.2 * (placed & free)
            - 0.02 * np.mean(state.action**2, axis=1)
            - 0.02 * np.mean(change**2, axis=1)
        )
        return reward.astype(np.float32), self._held >= self._hold_steps

    def info(self) -> dict[str, Any]:
        """Return tolerances, times, tool, can, stand and where targets lie."""
        point, height = self._spots.point, self.stand + self.half
        grip = self.robot.joints[-1]
        return {
            "tolerance": self.tolerance,
            "upright_tolerance": self.upright_tolerance,
            "rest_speed": self.rest_speed,
            "tool_away": self.away * self.size,
            "hold_time": self.hold_time,
            "episode_time": self.episode_time,
            "tool": {"kind": "gripper", "joint": grip.name},
            "object": {"radius": self.radius, "height": 2 * self.half},
            "stand": self.stand,
            "target_low": [*point.min(axis=0).round(4).tolist(), height],
            "target_high": [*point.max(axis=0).round(4).tolist(), height],
        }
