"""Trajectory: points in time sampled as the joint trajectory controller does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Trajectory:
    """Cubic between points that carry velocities, linear between those that do not."""

    def __init__(self, time: Floats, position: Floats, velocity: Floats | None) -> None:
        """Take points.

        Args:
            time: increasing, absolute [s], shape (k,).
            position: [rad], shape (k, n).
            velocity: [rad/s], shape (k, n), or none for linear interpolation.
        """
        self._time, self._position, self._velocity = time, position, velocity

    @classmethod
    def from_message(
        cls, message: Any, joints: Sequence[str], now: float
    ) -> Trajectory:
        """Map a ``JointTrajectory`` by name; it starts ``now`` [s].

        Raises:
            ValueError: joints, sizes, times or numbers are wrong, or it is empty.
        """
        names = list(message.joint_names)
        if sorted(names) != sorted(joints):
            raise ValueError(f"joints {names} are not the controller's")
        if not message.points:
            raise ValueError("no points")
        order = [names.index(joint) for joint in joints]
        rows = [list(p.positions) for p in message.points]
        speeds = [list(p.velocities) for p in message.points]
        sizes = {len(row) for row in rows} | {len(row) for row in speeds if row}
        if sizes != {len(names)}:
            raise ValueError(
                f"points of {sorted(sizes)} values for {len(names)} joints"
            )
        position = np.array(rows)[:, order]
        velocity = np.array(speeds)[:, order] if all(speeds) else None
        time = np.array(
            [
                p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec
                for p in message.points
            ]
        )
        finite = np.isfinite(position).all() and (
            velocity is None or np.isfinite(velocity).all()
        )
        if not finite or time[0] < 0 or (np.diff(time) <= 0).any():
            raise ValueError("not finite, or times do not increase")
        return cls(time + now, position, velocity)

    @property
    def end(self) -> float:
        """Time of the last point [s]."""
        return float(self._time[-1])

    def start_from(self, time: float, position: Floats) -> None:
        """Prepend the reference in force at ``time``, so that the way is continuous."""
        if time >= self._time[0]:
            return
        self._time = np.append(time, self._time)
        self._position = np.vstack([position, self._position])
        if self._velocity is not None:
            mean = (self._position[1] - position) / (self._time[1] - time)
            self._velocity = np.vstack([mean, self._velocity])

    def at(self, time: float) -> Floats:
        """Return the position at ``time`` [s]; the ends are held, shape (n,)."""
        knots, position = self._time, self._position
        if time <= knots[0]:
            return np.array(position[0])
        if time >= knots[-1]:
            return np.array(position[-1])
        k = int(np.searchsorted(knots, time, side="right")) - 1
        h = knots[k + 1] - knots[k]
        s = (time - knots[k]) / h
        if self._velocity is None:
            return np.asarray((1 - s) * position[k] + s * position[k + 1])
        # Cubic Hermite basis.
        return np.asarray(
            (1 + 2 * s) * (1 - s) ** 2 * position[k]
            + s * (1 - s) ** 2 * h * self._velocity[k]
            + s**2 * (3 - 2 * s) * position[k + 1]
            - s**2 * (1 - s) * h * self._velocity[k + 1]
        )
