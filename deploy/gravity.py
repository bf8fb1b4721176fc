"""Gravity: the efforts that carry an arm's links, in plain Python for the guard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Vector = Sequence[float]
Matrix = tuple[float, ...]

GRAVITY = 9.80665
"""Standard gravity (3rd CGPM, 1901) [m/s^2]."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A joint's frame in its parent link's, and the mass that moves with the joint."""

    xyz: Vector
    """Origin, URDF convention [m]."""
    rpy: Vector
    """Roll, pitch, yaw [rad]."""
    axis: Vector
    """Rotation axis in the joint frame, a unit vector."""
    mass: float
    """[kg]."""
    com: Vector
    """Centre of mass in the joint's frame [m]."""


class Gravity:
    """dU/dq of a serial arm whose base stands upright (Siciliano 2009, eq. 7.39)."""

    def __init__(self, links: Sequence[Link]) -> None:
        """Fold the fixed rotations of ``links``, base to tool."""
        self._links = [(link, *_parts(link)) for link in links]

    def __call__(self, position: Vector) -> list[float]:
        """Return the effort at each joint [Nm] for joint positions [rad]."""
        turn: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        at: tuple[float, ...] = (0.0, 0.0, 0.0)
        found = []
        for (link, constant, cosine, sine), q in zip(
            self._links, position, strict=True
        ):
            c, s = math.cos(q), math.sin(q)
            pairs = zip(constant, cosine, sine, strict=True)
            at = _add(at, _turned(turn, link.xyz))
            turn = _product(turn, tuple(k + c * m + s * n for k, m, n in pairs))
            centre = _add(at, _turned(turn, link.com))
            found.append((link.mass, centre, at, _turned(turn, link.axis)))
        efforts, mass, x, y = [], 0.0, 0.0, 0.0
        for m, centre, origin, axis in reversed(found):
            mass, x, y = mass + m, x + m * centre[0], y + m * centre[1]
            # The height of what lies behind changes by axis x (centre - origin).
            dx, dy = x - mass * origin[0], y - mass * origin[1]
            efforts.append(GRAVITY * (axis[0] * dy - axis[1] * dx))
        return efforts[::-1]


def _parts(link: Link) -> tuple[Matrix, Matrix, Matrix]:
    """Return rotation parts: constant, times cos q and times sin q (Rodrigues)."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in link.rpy)
    fixed = (
        *(cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
        *(sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
        *(-sp, cp * sr, cp * cr),
    )
    a = link.axis
    outer = tuple(a[i] * a[j] for i in range(3) for j in range(3))
    rest = tuple((i % 4 == 0) - v for i, v in enumerate(outer))
    skew = (0.0, -a[2], a[1], a[2], 0.0, -a[0], -a[1], a[0], 0.0)
    return _product(fixed, outer), _product(fixed, rest), _product(fixed, skew)


def _product(a: Matrix, b: Matrix) -> Matrix:
    return tuple(
        a[i] * b[j] + a[i + 1] * b[j + 3] + a[i + 2] * b[j + 6]
        for i in (0, 3, 6)
        for j in (0, 1, 2)
    )


def _turned(a: Matrix, v: Vector) -> tuple[float, ...]:
    return tuple(a[i] * v[0] + a[i + 1] * v[1] + a[i + 2] * v[2] for i in (0, 3, 6))


def _add(a: Vector, b: Vector) -> tuple[float, ...]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
