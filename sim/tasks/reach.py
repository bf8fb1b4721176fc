"""Reach: bring the tool to a random reachable pose and hold it there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forearm.core.arrays import Array, array_namespace
from forearm.core.kinematics import (
    rotation_angle,
    rotation_from_quat_wxyz,
)
from forearm.core.robot import RobotSpec
from forearm.sim.goals import PoseGoal
from forearm.sim.workspace import Pool, make_pool, reach_of

from .goal_box import GoalBox, inside
from .task import Floats, Ids, Singles, State, Task

SPREAD = 0.7
"""Half range of start and goal configurations around home [rad]; the base joint of an
arm may turn half as far again."""

CLEARANCE = 0.2
"""Least height of the tool over the table at start and goal [m]: room to pass."""

LOW_SHARE = 0.2
"""The same as a share of the reach, for arms so small that it is less."""

CORE = 0.3
"""Least distance from the base's axis at start and goal, as a share of the reach.

Closer in, an arm passes its shoulder singularity: a small way of the tool asks for half
a turn of the base, and three seconds do not always suffice.
"""


@lru_cache(maxsize=8)
def reach_pool(robot: RobotSpec) -> Pool:
    """Return the start and goal configurations of ``reach`` on ``robot``."""
    spread = np.full(robot.n, SPREAD)
    spread[0] *= 1.5
    clearance = min(CLEARANCE, LOW_SHARE * reach_of(robot))
    return make_pool(robot, spread, clearance=clearance, core=CORE)


class Reach(Task):
    """Tool pose within 2 cm and 0.2 rad of the target, held for half a second."""

    name = "reach"
    summary = "bring the tool to a random reachable pose and hold it"
    success = "tool within 2 cm and 0.2 rad of the target for the last 0.5 s"
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
    )
    episode_time = 3.0
    control_dt = 0.02
    goal_box: ClassVar[GoalBox | None] = None
    """Where targets may lie; anywhere in the pool where none."""
    goal = PoseGoal(position_tolerance=0.02, angle_tolerance=0.2)
    position_tolerance = 0.02
    """Success needs the tool this close [m]."""
    angle_tolerance = 0.2
    """Success needs the orientation this close [rad]."""
    hold_time = 0.5
    """Success needs both for this long [s]."""

    def __init__(self, robot: RobotSpec, nsim: int) -> None:
        """Prepare goals for ``nsim`` simulations of ``robot``.

        Raises:
            LimitError: the arm reaches hardly any pose in the goal box.
        """
        super().__init__(robot, nsim)
        self._pool = self.goals = reach_pool(robot)
        if self.goal_box is not None:
            self.goals = inside(self._pool, self.goal_box, robot.name)
        self._position = np.zeros((nsim, 3), np.float32)
        self._quat_wxyz = np.zeros((nsim, 4), np.float32)
        self._held = np.zeros(nsim, np.intp)
        self.solution = np.zeros((nsim, self.robot.n))
        """A configuration that holds the target pose [rad], for an expert."""
        self._hold_steps = round(self.hold_time / self.control_dt)

    def reset(self, ids: Ids, rngs: list[np.random.Generator]) -> Floats:
        """Draw a start and a different goal configuration for each simulation."""
        size, goals = len(self._pool.joint_pos), self.goals
        if self.goal_box is None:
            pairs = np.array([rng.choice(size, 2, replace=False) for rng in rngs])
        else:
            sizes = (size, len(goals.joint_pos))
            pairs = np.array([rng.integers(sizes) for rng in rngs])
        start, goal = pairs[:, 0], pairs[:, 1]
        self.solution[ids] = goals.joint_pos[goal]
        self.set_target(ids, goals.position[goal], goals.quat_wxyz[goal])
        return np.asarray(self._pool.joint_pos[start])

    def set_target(self, ids: Ids, position: Floats, quat_wxyz: Floats) -> None:
        """Ask ``ids`` for tool poses: position [m] (k, 3) and quaternion (k, 4)."""
        self._position[ids] = position
        self._quat_wxyz[ids] = quat_wxyz
        self._held[ids] = 0

    def sensors(self) -> Mapping[str, Singles]:
        """Return target position [m] and orientation."""
        return {"target_position": self._position, "target_quat_wxyz": self._quat_wxyz}

    @classmethod
    def score(cls, given: Mapping[str, Array]) -> dict[str, Array]:
        """Return distance [m], angle [rad] and reward, (...) each."""
        xp, action = array_namespace(given["position"]), given["action"]
        off = given["position"] - given["target_position"]
        distance = xp.sqrt(xp.sum(off * off, axis=-1))
        target = rotation_from_quat_wxyz(given["target_quat_wxyz"])
        angle = rotation_angle(given["rotation"], target)
        change = action - given["previous_action"]
        near, turned = distance / 0.02, angle / 0.15
        restless = xp.sum(action * action, axis=-1) + xp.sum(change * change, axis=-1)
        reward = (
            0.25 * xp.exp(distance / -0.2)
            + 0.2 * xp.exp(distance / -0.05)
            + 0.25 * xp.exp(angle / -0.5)
            + 0.3 * xp.exp(-near * near - turned * turned)
            - 0.02 / action.shape[-1] * restless
        )
        return {"distance": distance, "angle": angle, "reward": reward}

    def evaluate(self, state: State) -> tuple[Singles, NDArray[np.bool_]]:
        """Reward closeness and calm; succeed while the pose has been held long."""
        score = state.score or self.score(
            {
                "position": state.pose.position,
                "rotation": state.pose.rotation,
                "action": state.action,
                "previous_action": state.previous_action,
                **self.sensors(),
            }
        )
        inside = score["distance"] < self.position_tolerance
        inside &= score["angle"] < self.angle_tolerance
        self._held += 1
        self._held *= inside
        return score["reward"], self._held >= self._hold_steps

    def info(self) -> dict[str, Any]:
        """Return tolerances, times and where targets lie."""
        position = self.goals.position
        box = {} if self.goal_box is None else {"goal_box": list(self.goal_box)}
        return {
            **box,
            "position_tolerance": self.position_tolerance,
            "angle_tolerance": self.angle_tolerance,
            "hold_time": self.hold_time,
            "episode_time": self.episode_time,
            "target_low": position.min(axis=0).round(4).tolist(),
            "target_high": position.max(axis=0).round(4).tolist(),
        }
