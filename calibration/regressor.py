"""The inverse dynamics of a serial arm, linear in its link inertials.

``torque = Y(q, qd, qdd) inertials``: ten columns per link (Atkeson, An, Hollerbach
1986), for all samples at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forearm.core.log import Floats

from .chain import Chain


@dataclass(frozen=True)
class _Motion:
    """One link's motion in its own frame, for all samples."""

    rotation: Floats
    """Link in base, (T, 3, 3)."""
    origin: Floats
    """Link origin in base [m], (T, 3)."""
    omega: Floats
    """Angular velocity, base frame [rad/s], (T, 3)."""
    alpha: Floats
    """Angular acceleration, base frame [rad/s^2], (T, 3)."""
    accel: Floats
    """Acceleration of the origin less gravity, base frame [m/s^2], (T, 3)."""


def regressor(chain: Chain, qpos: Floats, qvel: Floats, qacc: Floats) -> Floats:
    """Return Y, (T, n, n, 10): joint, link, number; zero where a link is upstream.

    Args:
        chain: the arm.
        qpos: joint positions [rad], (T, n).
        qvel: joint velocities [rad/s], (T, n).
        qacc: joint accelerations [rad/s^2], (T, n).
    """
    n = chain.n
    out = np.zeros((len(qpos), n, n, 10))
    axes: list[Floats] = []
    points: list[Floats] = []
    link = _base(chain, len(qpos))
    for i in range(n):
        link = _next(chain, i, link, qpos[:, i], qvel[:, i], qacc[:, i])
        axes.append(link.rotation @ chain.axis[i])
        points.append(link.origin + link.rotation @ chain.anchor[i])
        wrench = _wrench(link)
        for j in range(i + 1):
            arm = np.cross(axes[j], link.origin - points[j])
            screw = np.concatenate([arm, axes[j]], axis=-1).reshape(-1, 2, 3)
            local = np.einsum("tsk,tkl->tsl", screw, link.rotation).reshape(-1, 1, 6)
            out[:, j, i] = (local @ wrench)[:, 0]
    return out


def _base(chain: Chain, count: int) -> _Motion:
    zero = np.zeros((count, 3))
    rotation = np.broadcast_to(np.eye(3), (count, 3, 3))
    return _Motion(rotation, zero, zero, zero, zero - chain.gravity)


def _next(
    chain: Chain, i: int, link: _Motion, pos: Floats, vel: Floats, acc: Floats
) -> _Motion:
    turn = _about(chain.axis[i], pos - chain.zero[i])
    rotation = link.rotation @ chain.rotation[i] @ turn
    frame = link.rotation @ chain.rotation[i]
    # The anchor is the point both links share; the link turns about it.
    anchor = link.rotation @ chain.position[i] + frame @ chain.anchor[i]
    axis = rotation @ chain.axis[i]
    omega = link.omega + axis * vel[:, None]
    alpha = link.alpha + axis * acc[:, None] + np.cross(link.omega, axis * vel[:, None])
    back = -(rotation @ chain.anchor[i])
    accel = link.accel + _carried(link.alpha, link.omega, anchor)
    accel = accel + _carried(alpha, omega, back)
    return _Motion(rotation, link.origin + anchor + back, omega, alpha, accel)


def _carried(alpha: Floats, omega: Floats, arm: Floats) -> Floats:
    return np.cross(alpha, arm) + np.cross(omega, np.cross(omega, arm))


def _about(axis: Floats, angle: Floats) -> Floats:
    """Return rotations about one axis (Rodrigues), (T, 3, 3)."""
    cross = _skew(axis)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)


def _skew(v: Floats) -> Floats:
    zero = np.zeros(v.shape[:-1])
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return np.stack(rows, axis=-1).reshape(*v.shape[:-1], 3, 3)


def _times_inertia(v: Floats) -> Floats:
    """Return L with ``L @ (xx, yy, zz, xy, xz, yz) = I @ v``, (T, 3, 6)."""
    x, y, z, o = v[:, 0], v[:, 1], v[:, 2], np.zeros(len(v))
    rows = [x, o, o, y, z, o, o, y, o, x, o, z, o, o, z, o, x, y]
    return np.stack(rows, axis=-1).reshape(-1, 3, 6)


def _wrench(link: _Motion) -> Floats:
    """Return force and moment per inertial number, link frame, (T, 6, 10)."""
    to_link = np.swapaxes(link.rotation, -1, -2)
    omega, alpha, accel = (
        (to_link @ v[..., None])[..., 0] for v in (link.omega, link.alpha, link.accel)
    )
    out = np.zeros((len(omega), 6, 10))
    spin = _skew(omega)
    out[:, :3, 0] = accel
    out[:, :3, 1:4] = _skew(alpha) + spin @ spin
    out[:, 3:, 1:4] = -_skew(accel)
    out[:, 3:, 4:] = _times_inertia(alpha) + spin @ _times_inertia(omega)
    return out
