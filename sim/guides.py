"""Guides: what an expert would do now, from the true state; one a task.

A guide turns the state of every simulation into an action by inverse kinematics. It is
the expert's proposal, not the expert: :mod:`forearm.sim.expert` rolls it out on the
simulator and improves on it. What it remembers lies in arrays over the simulations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import UnknownNameError
from forearm.core.kinematics import Kinematics, Pose
from forearm.core.robot import RobotSpec

from .inverse_kinematics import DOWN, damped_step, down_jacobian
from .tasks.insert import Insert
from .tasks.pick_place import PickPlace
from .tasks.push import Push
from .tasks.reach import Reach
from .tasks.task import Task
from .tasks.track import Track

Floats = NDArray[np.float64]

GAIN = 5.0
"""Speed per distance left [1/s]: slower than the servo, so that nothing rings."""

TIP_SPEED = 0.5
"""Fastest tip through the air [m/s]."""


@dataclass(frozen=True)
class Truth:
    """The true state a guide looks at."""

    joint_pos: Floats
    """Joint positions [rad], (nsim, n)."""
    command: Floats
    """Command in force [rad], (nsim, n)."""
    tip: Pose
    """True tool pose."""


class Guide(ABC):
    """Proposes actions for ``nsim`` simulations of one task."""

    task_name: ClassVar[str]
    """The task it knows."""

    def __init__(self, task: Task) -> None:
        """Bind to a task, and through it to the scene."""
        self.task: Any = task
        self.robot: RobotSpec = task.robot
        self.top = self.robot.vector("velocity") * task.limits.velocity
        self._kinematics = Kinematics(self.robot)
        self.correction = np.zeros((task.nsim, 3))
        """What a steady error of the servos adds to the commanded tip [m]."""
        self.sag = np.zeros((task.nsim, self.robot.n))
        """What it adds to the commanded joints [rad]; see :meth:`towards`."""

    @abstractmethod
    def act(self, truth: Truth) -> Floats:
        """Return actions in [-1, 1], (nsim, n)."""

    def restart(self, ids: NDArray[np.intp]) -> None:
        """Forget the last episode of ``ids``."""
        self.correction[ids] = 0.0
        self.sag[ids] = 0.0

    def towards(self, truth: Truth, joint_pos: Floats) -> Floats:
        """Return the action that moves all joints there together, slowing down."""
        near = np.abs(joint_pos - truth.joint_pos).max(axis=1) < 0.15
        self.learn(truth, joint_pos, near)
        wish = GAIN * (joint_pos + self.sag - truth.command) / self.top
        return np.asarray(wish / np.maximum(np.abs(wish).max(axis=1), 1.0)[:, None])

    def learn(self, truth: Truth, joint_pos: Floats, where: NDArray[np.bool_]) -> None:
        """Integrate how far the joints stay behind ``joint_pos`` [rad]."""
        error = joint_pos - truth.joint_pos
        self.sag += np.where(where[:, None], 2.0 * error * self.task.control_dt, 0.0)
        np.clip(self.sag, -0.15, 0.15, out=self.sag)

    def lower_tip(
        self, truth: Truth, point: Floats, speed: Floats, learn: NDArray[np.bool_]
    ) -> Floats:
        """Return the action that brings the tip to ``point``, pointing straight down.

        The commanded arm is steered, not the true one, which lags: nothing overshoots.

        Args:
            truth: the true state.
            point: where the tip shall go [m], (nsim, 3).
            speed: fastest tip [m/s], (nsim,).
            learn: where the remaining error is the servos' and is integrated, (nsim,).
        """
        error = point - truth.tip.position
        learn = learn & (np.linalg.norm(error, axis=1) < 0.02)
        self.correction += np.where(
            learn[:, None], 2.0 * error * self.task.control_dt, 0
        )
        np.clip(self.correction, -0.03, 0.03, out=self.correction)
        pose = self._kinematics(truth.command)
        velocity = GAIN * (point + self.correction - pose.position)
        length = np.linalg.norm(velocity, axis=1)
        velocity *= np.minimum(1.0, speed / np.maximum(length, 1e-9))[:, None]
        turn = GAIN * (DOWN - pose.rotation[..., 2])
        jacobian = down_jacobian(pose)
        wish = damped_step(jacobian, np.concatenate([velocity, turn], axis=1), 1e-5)
        drift = 0.5 * (self.robot.home - truth.command)[:, : self.robot.arm_n]
        wish += drift - damped_step(jacobian, (jacobian @ drift[..., None])[..., 0])
        action = np.zeros_like(truth.command)
        action[:, : self.robot.arm_n] = wish / self.top[: self.robot.arm_n]
        return np.asarray(action / np.maximum(np.abs(action).max(axis=1), 1.0)[:, None])


class ReachGuide(Guide):
    """Straight through joint space to a configuration that holds the pose."""

    task_name = Reach.name

    def act(self, truth: Truth) -> Floats:
        """Return the action towards the solution."""
        return self.towards(truth, self.task.solution)


class TrackGuide(Guide):
    """Along the path, ahead of it by the servos' lag."""

    task_name = Track.name

    def act(self, truth: Truth) -> Floats:
        """Return path velocity plus what closes the distance."""
        lag = float(np.median(self.robot.vector("kv") / self.robot.vector("kp")))
        position, velocity = self.task.path(lag + self.task.control_dt)
        now = self.task.path()[0]
        self.learn(truth, now, np.ones(len(now), np.bool_))
        wish = (velocity + GAIN * (position + self.sag - truth.command)) / self.top
        return np.asarray(np.clip(wish, -1.0, 1.0))


class PushGuide(Guide):
    """Get behind the puck over its top, then follow the line to the target."""

    task_name = Push.name

    def act(self, truth: Truth) -> Floats:
        """Return the action towards the next point of the way."""
        task, tip = self.task, truth.tip.position
        puck, target = task.scene.position("puck"), task.target
        way = (target - puck)[:, :2]
        left = np.linalg.norm(way, axis=1)
        along = way / np.maximum(left, 1e-6)[:, None]
        reach = task.radius + task.rod_radius
        offset = tip[:, :2] - puck[:, :2]
        behind = -np.sum(offset * along, axis=1)
        side = offset + behind[:, None] * along
        aside = np.linalg.norm(side, axis=1)
        low = 0.5 * task.height
        down = tip[:, 2] < task.height
        pushing = down & (behind > 0.6 * reach) & (aside < 0.6 * reach)
        ahead = np.minimum(left, 0.05)
        # Past the middle line, or a puck that leaves it would run away for good.
        push = puck[:, :2] + (ahead - reach)[:, None] * along - side
        stand = puck[:, :2] - (reach + 0.02) * along
        there = np.linalg.norm(tip[:, :2] - stand, axis=1) < 0.012
        close = left < 0.3 * task.tolerance
        point = np.empty_like(tip)
        point[:, :2] = np.where(pushing[:, None], push, stand)
        away = down & ~pushing & ~there
        point[:, :2] = np.where(
            away[:, None] | close[:, None], tip[:, :2], point[:, :2]
        )
        point[:, 2] = np.where(pushing | there, low, task.hover)
        speed = np.where(pushing, 0.12, TIP_SPEED)
        return self.lower_tip(truth, point, speed, np.zeros_like(pushing))


class InsertGuide(Guide):
    """Over the hole, then down; the integrated error finds the middle."""

    task_name = Insert.name

    def act(self, truth: Truth) -> Floats:
        """Return the action towards the mouth or into the hole."""
        tip = truth.tip.position
        depth, off = self.task.depth(tip)
        inside = (off < 0.004) | (depth > 0.003)
        point = self.task.target.astype(np.float64)
        point[:, 2] = np.where(inside, point[:, 2] - 0.002, self.task.block + 0.008)
        near = (off < 0.02) & (depth > -0.03)
        speed = np.where(near, 0.06, TIP_SPEED)
        return self.lower_tip(truth, point, speed, near)


class PickPlaceGuide(Guide):
    """Over the can, down, close, up, over the stand, down, open, up."""

    task_name = PickPlace.name

    def __init__(self, task: Task) -> None:
        """Bind to a task and look where its gripper holds things."""
        super().__init__(task)
        gripper = self.robot.gripper
        if gripper is None:
            raise UnknownNameError("gripper of", self.robot.name, ())
        self._open, self._closed = gripper.open, gripper.closed
        # With one moving finger the tool frame lies on the other finger's face. It gets
        # down beside the can, so that no servo's error puts it on top; and fingers that
        # are not parallel squeeze the can out if they squeeze too much.
        self._offset = 0.0 if gripper.mimic else 1.2 * self.task.radius
        self._squeeze = 0.25 if gripper.mimic else 0.16

    def act(self, truth: Truth) -> Floats:
        """Return the action towards the next point of the way."""
        task = self.task
        can, target = task.scene.position("can"), task.target.astype(np.float64)
        tip = truth.tip.position + self._offset * truth.tip.rotation[..., 0]
        stroke = self._closed - self._open
        opened = (truth.joint_pos[:, -1] - self._closed) / -stroke
        squeeze = (truth.command[:, -1] - truth.joint_pos[:, -1]) / stroke
        off = np.linalg.norm((can - target)[:, :2], axis=1)
        aside = np.linalg.norm((tip - can)[:, :2], axis=1)
        at = (aside < 0.3 * task.radius) & (
            np.abs((tip - can)[:, 2]) < 0.25 * task.half
        )
        around = (aside < task.radius) & (np.abs((tip - can)[:, 2]) < task.half)
        gripped = around & (squeeze > 0.06)
        # A can that fell short of the middle stays: gripping it again could upset it.
        near = np.where(gripped, 0.5, 0.8) * task.tolerance
        standing = np.abs(can - target)[:, 2] < task.upright_tolerance
        placed = (off < near) & standing
        holding = gripped & ~placed
        point = can.copy()
        high = task.carry
        # Down to the can only from above it, with the fingers open.
        ready = (aside < 0.4 * task.radius) & (opened > 0.8)
        point[:, 2] = np.where(around | ready, can[:, 2], high)
        up = can[:, 2] < high - 0.8 * task.half
        over = off < 0.4 * task.tolerance
        carry = np.where((up & ~over)[:, None], can, target)
        carry[:, 2] = np.where(over, target[:, 2] - 0.1 * task.half, high)
        # The can creeps in the grip: what has to arrive is the can, not the tip.
        carry = carry + np.where(holding[:, None], tip - can, 0.0)
        point = np.where(holding[:, None], carry, point)
        # Once it stands: open, and only then up and away.
        leave = tip.copy()
        leave[:, 2] = np.where(opened > 0.7, high, tip[:, 2])
        point = np.where(placed[:, None], leave, point)
        point = point - self._offset * truth.tip.rotation[..., 0]
        slow = ((around & ~gripped) | over) & ~placed
        close_by = aside < 2 * task.radius
        action = self.lower_tip(
            truth, point, np.where(slow, 0.12, TIP_SPEED), (slow | close_by) & ~gripped
        )
        close = ~placed & (at | gripped | (around & (opened < 0.7)))
        action[:, -1] = self._grip(truth, close)
        return action

    def _grip(self, truth: Truth, close: NDArray[np.bool_]) -> Floats:
        """Return the gripper's action: squeeze by a share of the stroke, or open."""
        stroke = self._closed - self._open
        most = (truth.joint_pos[:, -1] - self._open) / stroke + self._squeeze
        wish = self._open + np.where(close, np.clip(most, 0.0, 1.0), 0.0) * stroke
        speed = 2 * GAIN * (wish - truth.command[:, -1])
        return np.asarray(np.clip(speed / self.top[-1], -1, 1))


GUIDES: dict[str, type[Guide]] = {
    guide.task_name: guide
    for guide in (ReachGuide, TrackGuide, PushGuide, InsertGuide, PickPlaceGuide)
}
"""Every guide by the name of its task."""


def make_guide(task: Task) -> Guide:
    """Return the guide of ``task``.

    Raises:
        UnknownNameError: nobody knows how to do it.
    """
    if task.name not in GUIDES:
        raise UnknownNameError("task of an expert", task.name, GUIDES)
    return GUIDES[task.name](task)
