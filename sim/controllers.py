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
        self._heard = 0.0
        self.forget()

    def forget(self) -> None:
        """Ask for nothing, as controllers that have just been started."""
        self._command: Floats | None = None
        self._trajectory: Trajectory | None = None
        self._velocity: Floats | None = None
        self._effort: Floats | None = None

    def position(self, joint_pos: Floats) -> None:
        """Take positions [rad], shape (n,)."""
        self._effort, self._velocity = None, None
        self._command, self._trajectory = joint_pos, None

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

    def update(self, period: float) -> None:
        """Command the plant for the coming ``period`` [s]."""
        trajectory = self._trajectory
        if trajectory is not None:
            # One command for the whole period: the one of its middle lags by nothing.
            self._command = trajectory.at(self._plant.time + 0.5 * period)
        velocity, command = self._velocity, self._command
        silent = self._plant.time - self._heard > self._timeout
        if velocity is not None and command is not None:
            if silent:
                self._velocity = None
            else:
                self._command = command + velocity * period
        # Messages come in another thread: each is looked at once.
        effort, command = self._effort, self._command
        if effort is not None:
            self._plant.command_effort(0 * effort if silent else effort)
        elif command is not None:
            self._plant.command(command)
