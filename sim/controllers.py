"""What the controllers of ``ros2_control`` ask of a plant, without ROS.

One of them acts at a time: the one that was heard last. As they do, they hold the last
command for ever: a velocity or an effort, too, unless ``timeout`` says when such a
controller gives up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .plant import Plant
from .trajectory import Trajectory

Floats = NDArray[np.float64]

UPDATE = 0.001
"""Update period of the controllers [s]. Torques are measured when an update is due,
before the next command: with 4 ms the servo's reference lags by 2 ms there, on average,
and that reads as friction."""


class Controllers:
    """Position, velocity, effort and joint trajectory controller of one plant.

    Commands may come in another thread than :meth:`update`.
    """

    def __init__(self, plant: Plant, timeout: float) -> None:
        """Ask for nothing yet.

        Args:
            plant: the arm.
            timeout: silence after which the velocity controller stops the arm and the
                effort controller asks for none [s].
        """
        self._plant, self._timeout = plant, timeout
        self._heard, self._new = 0.0, False
        self.forget()

    def forget(self) -> None:
        """Ask for nothing, as controllers that have just been started."""
        self._command: Floats | None = None
        self._trajectory: Trajectory | None = None
        self._velocity: Floats | None = None
        self._effort: Floats | None = None
        self._new = False

    def position(self, joint_pos: Floats) -> None:
        """Take positions [rad], shape (n,)."""
        self._effort, self._velocity = None, None
        self._command, self._trajectory = joint_pos, None
        self._new = True

    def velocity(self, joint_vel: Floats) -> None:
        """Take velocities [rad/s], shape (n,)."""
        self._command = self.reference()
        self._trajectory, self._velocity, self._effort = None, joint_vel, None
        self._heard = self._plant.time

    def effort(self, effort: Floats) -> None:
        """Take efforts [Nm], shape (n,)."""
        # The position loop is off: there is no command to go on from.
        self._command = self._trajectory = self._velocity = None
        self._effort, self._heard = effort, self._plant.time

    def follow(self, trajectory: Trajectory) -> None:
        """Take a trajectory in the plant's time."""
        trajectory.start_from(self._plant.time, self.reference())
        self._trajectory, self._velocity, self._effort = trajectory, None, None

    def reference(self) -> Floats:
        """What is asked of the servo now [rad], shape (n,)."""
        trajectory, command = self._trajectory, self._command
        if trajectory is not None:
            return trajectory.at(self._plant.time)
        if command is None or self._effort is not None:
            return self._plant.joint_pos
        return command

    def pass_time(self, duration: float) -> None:
        """Let the plant move for ``duration`` [s], under updates as they come due."""
        updates = max(1, round(duration / UPDATE))
        for _ in range(updates):
            self._plant.advance(duration / updates)
            self._update(duration / updates)

    def _update(self, period: float) -> None:
        """Command the plant for the coming ``period`` [s]."""
        # Messages come in another thread: each is looked at once.
        trajectory, velocity, effort = self._trajectory, self._velocity, self._effort
        silent = self._plant.time - self._heard > self._timeout
        if effort is not None:
            self._plant.command_effort(0 * effort if silent else effort)
        elif trajectory is not None:
            # One command for the whole period: the one of its middle lags by nothing.
            self._command = trajectory.at(self._plant.time + 0.5 * period)
            self._plant.command(self._command)
        elif velocity is not None and self._command is not None:
            if silent:
                self._velocity = None
                return
            self._command = self._command + velocity * period
            self._plant.command(self._command)
        elif self._new and self._command is not None:
            # Sent once: what the way to the arm loses is lost.
            self._new = False
            self._plant.command(self._command)
