"""What a joint trajectory controller commands while it plays a trajectory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ForearmError
from .log import Floats

STEP = 0.001
"""Spacing of the commands [s], finer than the update period of most controllers: where
a real one's updates fall between the points is not known, and without steps none are
put where there were none."""

LONGEST = 3600.0
"""Longest trajectory that is played [s]; a damaged file may claim any time."""


def played(message: Any, joints: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return times since the start [s] (k,) and positions [rad] (k, n).

    Cubic between points with velocities, linear without, as the controller does
    (ros2_controllers, joint_trajectory_controller, "Trajectory representation"). A
    command is held from one row to the next, so each is that of the middle between.

    Args:
        message: a ``trajectory_msgs/JointTrajectory`` of two points or more.
        joints: columns, by name.

    Raises:
        ForearmError: times do not increase, or a point is incomplete.
    """
    names = list(message.joint_names)
    index = [names.index(joint) for joint in joints]
    stamps = [p.time_from_start for p in message.points]
    time = np.array([s.sec + 1e-9 * s.nanosec for s in stamps])
    sizes = {len(p.positions) for p in message.points}
    if sizes != {len(names)} or (np.diff(time) <= 0).any() or time[-1] > LONGEST:
        raise ForearmError(
            "a joint trajectory has incomplete points or unordered times"
        )
    position = np.array([p.positions for p in message.points])[:, index]
    speeds = [p.velocities for p in message.points]
    grid = np.arange(time[0], time[-1], STEP)
    middle = np.minimum(grid + 0.5 * STEP, time[-1])
    k = np.clip(np.searchsorted(time, middle, "right") - 1, 0, len(time) - 2)
    h = np.diff(time)[k]
    s = ((middle - time[k]) / h)[:, None]
    found = (1 - s) * position[k] + s * position[k + 1]
    if all(len(v) == len(names) for v in speeds):
        v, step = np.array(speeds)[:, index], h[:, None]
        # Cubic Hermite: the line plus what the end velocities bend it.
        mean = (position[k + 1] - position[k]) / step
        bend = (1 - s) * (v[k] - mean) - s * (v[k + 1] - mean)
        found = found + step * s * (1 - s) * bend
    return np.append(grid, time[-1]), np.vstack([found, position[-1:]])
