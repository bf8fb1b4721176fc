"""The policy's senses and its command, written once over the array API.

Training calls these functions with numpy on the whole batch; the exporter traces the
same functions with torch. There is no second implementation to drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, array_namespace
from .errors import LimitError, UnknownNameError
from .kinematics import Kinematics, Pose
from .observation import SENSORS, TERMS, Sensed, Sensors
from .robot import RobotSpec


@dataclass(frozen=True, kw_only=True)
class CommandLimits:
    """What the policy itself never exceeds, as fractions of the robot's limits."""

    velocity: float = 0.5
    """Fraction of the joint velocity limit."""
    acceleration: float = 0.8
    """Fraction of the joint acceleration limit."""
    margin: float = 0.02
    """Distance kept from the position limits [rad]."""

    def __post_init__(self) -> None:
        """Refuse fractions outside (0, 1] and a negative margin.

        Raises:
            LimitError: a number is out of its range.
        """
        for name in ("velocity", "acceleration"):
            if not 0 < getattr(self, name) <= 1:
                raise LimitError(f"command {name} fraction must lie in (0, 1]")
        if self.margin < 0:
            raise LimitError("command margin must not be negative")


class Interface:
    """From named sensors to an observation, and from an action to a joint command."""

    def __init__(
        self,
        robot: RobotSpec,
        terms: tuple[str, ...],
        control_dt: float,
        limits: CommandLimits | None = None,
    ) -> None:
        """Bind observation ``terms`` to a ``robot`` at a control period [s].

        Raises:
            UnknownNameError: a term does not exist.
            LimitError: the control period is not positive.
        """
        for term in terms:
            if term not in TERMS:
                raise UnknownNameError("observation term", term, TERMS)
        if not control_dt > 0:
            raise LimitError(f"control period must be positive, got {control_dt} s")
        self.robot = robot
        self.terms = terms
        self.control_dt = control_dt
        self.limits = limits or CommandLimits()
        self._kinematics = Kinematics(robot)
        self._numpy_bounds: dict[Any, tuple[Array, ...]] = {}
        needed = {"joint_pos", "previous_command", "previous_command_vel"}
        needed.update(*(TERMS[term].needs for term in terms))
        self.sensors: dict[str, int] = {
            name: sensor.size or robot.n
            for name, sensor in SENSORS.items()
            if name in needed
        }
        """Size of each input the policy reads, in the order of ``SENSORS``."""
        self.observation_size = sum(TERMS[t].width(robot) for t in terms)
        """Length of the observation."""
        self.action_size = robot.n
        """Length of the action."""

    def observe(self, sensors: Sensors, pose: Pose | None = None) -> Array:
        """Return the observation (..., observation_size) for named sensors.

        Args:
            sensors: arrays as in :attr:`sensors`, all of the same library and type.
            pose: the tool pose of ``sensors["joint_pos"]`` where already known.
        """
        joint_pos = sensors["joint_pos"]
        xp = array_namespace(joint_pos)
        sensed = Sensed(sensors, self.robot, pose or self._kinematics(joint_pos))
        return xp.concat([TERMS[term].compute(sensed) for term in self.terms], axis=-1)

    def command(self, action: Array, sensors: Sensors) -> Array:
        """Return the joint position command [rad] (..., n) for an action in [-1, 1].

        The action is a joint velocity as a fraction of the policy's own velocity
        limit. The command follows it within the acceleration limit and slows down
        early enough to stop before a position limit, so that a limiter behind the
        policy has nothing left to do.
        """
        xp = array_namespace(action)
        previous = sensors["previous_command"]
        previous_vel = sensors["previous_command_vel"]
        dt = self.control_dt
        top, acc, lower, upper = self._bounds(action)
        wish = xp.clip(action, -1.0, 1.0) * top
        step = acc * dt
        velocity = previous_vel + _clip(xp, wish - previous_vel, -step, step)
        fastest = _braking_velocity(xp, upper - previous, acc, dt)
        slowest = -_braking_velocity(xp, previous - lower, acc, dt)
        velocity = _clip(xp, velocity, slowest, fastest)
        velocity = _clip(xp, velocity, -top, top)
        return _clip(xp, previous + velocity * dt, lower, upper)

    def _bounds(self, action: Array) -> tuple[Array, ...]:
        """Return top velocity, acceleration, lower and upper limit like ``action``."""
        if isinstance(action, np.ndarray):
            if action.dtype not in self._numpy_bounds:
                self._numpy_bounds[action.dtype] = self._convert_bounds(action)
            return self._numpy_bounds[action.dtype]
        # Not kept: a traced graph owns its constants.
        return self._convert_bounds(action)

    def _convert_bounds(self, action: Array) -> tuple[Array, ...]:
        xp, robot, limit = array_namespace(action), self.robot, self.limits
        # A finger in metres needs no distance in radians.
        slides = np.array([joint.prismatic for joint in robot.joints])
        margin = np.where(slides, 0.0, limit.margin)
        bounds = (
            robot.vector("velocity") * limit.velocity,
            robot.vector("acceleration") * limit.acceleration,
            robot.lower + margin,
            robot.upper - margin,
        )
        options = {"dtype": action.dtype, "device": action.device}
        return tuple(xp.asarray(bound, **options) for bound in bounds)


def _clip(xp: Array, value: Array, low: Array, high: Array) -> Array:
    return xp.minimum(xp.maximum(value, low), high)


def _braking_velocity(xp: Array, distance: Array, acc: Array, dt: float) -> Array:
    """Largest v for which one step plus braking, v dt + v^2 / (2 a), fits."""
    room = xp.maximum(distance, xp.zeros_like(distance))
    return acc * (xp.sqrt(dt * dt + 2.0 * room / acc) - dt)


def zeros(sensors: Mapping[str, int], batch: int) -> dict[str, np.ndarray]:
    """Return float32 buffers (batch, size) for the inputs of an interface."""
    return {name: np.zeros((batch, size), np.float32) for name, size in sensors.items()}
