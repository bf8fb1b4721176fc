"""Inertials of a body: ten numbers, and coordinates that are always consistent.

A link's pseudo-inertia is ``L U U' L'`` with ``L L'`` the model's and ``U`` upper
triangular with a positive diagonal: ten coordinates, zero for the model, in which
every value is a body that can exist (Rucker, Wensing 2022, IEEE RA-L 7).
"""

from __future__ import annotations

import numpy as np

from .log import Floats

SMALLEST = 1e-3
"""Eigenvalues of a published inertia below this part of its largest are lifted: some
tables round a thin link to a body that cannot exist."""

COORDINATES = (
    "link_log_x",
    "link_log_y",
    "link_log_z",
    "link_log_mass",
    "link_shear_xy",
    "link_shear_xz",
    "link_shear_yz",
    "link_shift_x",
    "link_shift_y",
    "link_shift_z",
)
"""The ten coordinates of a link, named as in :data:`forearm.core.params.KINDS`."""

_ROWS = np.array([0, 1, 2, 0, 0, 1])
_COLUMNS = np.array([0, 1, 2, 1, 2, 2])
_UPPER = np.array([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)])


def factor(inertials: Floats) -> Floats:
    """Return L of each link, (n, 4, 4), from ten numbers per link, (n, 10)."""
    pseudo = to_pseudo(inertials)
    mass = np.maximum(pseudo[..., 3, 3], 1e-9)
    # In the 3x3 block only: mass and first moment stay as published.
    com = pseudo[..., :3, 3] / mass[..., None]
    central = pseudo[..., :3, :3] - mass[..., None, None] * (
        com[..., :, None] * com[..., None, :]
    )
    values, vectors = np.linalg.eigh(central)
    floor = np.maximum(SMALLEST * values[..., -1:], 1e-9)
    values = np.maximum(values, floor)
    central = (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    pseudo[..., 3, 3] = mass
    pseudo[..., :3, 3] = pseudo[..., 3, :3] = mass[..., None] * com
    pseudo[..., :3, :3] = central + mass[..., None, None] * (
        com[..., :, None] * com[..., None, :]
    )
    # Upper-triangular factor: P = L L' with L upper, as the coordinates are.
    flipped = np.linalg.cholesky(pseudo[..., ::-1, ::-1])
    return np.asarray(flipped[..., ::-1, ::-1])


def upper(theta: Floats) -> Floats:
    """Return U of coordinates (..., 10), shape (..., 4, 4)."""
    out = np.zeros((*theta.shape[:-1], 4, 4))
    for k in range(4):
        out[..., k, k] = np.exp(theta[..., k])
    out[..., _UPPER[:, 0], _UPPER[:, 1]] = theta[..., 4:]
    return out


def inertials(lower: Floats, theta: Floats) -> Floats:
    """Return ten numbers per link, (n, 10), at coordinates (n, 10)."""
    root = lower @ upper(theta)
    return from_pseudo(root @ np.swapaxes(root, -1, -2))


def slopes(lower: Floats, theta: Floats) -> Floats:
    """Return the derivative of :func:`inertials`, (n, number, coordinate)."""
    root = upper(theta)
    out = []
    for k in range(10):
        step = np.zeros_like(root)
        row, column = (k, k) if k < 4 else _UPPER[k - 4]
        step[..., row, column] = root[..., k, k] if k < 4 else 1.0
        change = step @ np.swapaxes(root, -1, -2)
        change = lower @ (change + np.swapaxes(change, -1, -2))
        out.append(from_pseudo(change @ np.swapaxes(lower, -1, -2)))
    return np.stack(out, axis=-1)


def point_inertial(mass: float, com: Floats, inertia: Floats) -> Floats:
    """Return ten numbers about the origin from mass, centre and central inertia.

    Args:
        mass: [kg].
        com: centre of mass [m], (3,).
        inertia: about the centre of mass [kg m^2], (3, 3).
    """
    about = inertia + mass * (com @ com * np.eye(3) - np.outer(com, com))
    return np.concatenate([[mass], mass * com, about[_ROWS, _COLUMNS]])


def moved(inertial: Floats, position: Floats, rotation: Floats) -> Floats:
    """Return an inertial seen from a frame in which its own frame has this pose."""
    pseudo = to_pseudo(inertial)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, position
    return from_pseudo(pose @ pseudo @ pose.T)


def to_pseudo(inertial: Floats) -> Floats:
    """Return the pseudo-inertia, (..., 4, 4) (Wensing, Kim, Slotine 2018, eq. 14)."""
    full = np.zeros((*inertial.shape[:-1], 3, 3))
    full[..., _ROWS, _COLUMNS] = inertial[..., 4:]
    full[..., _COLUMNS, _ROWS] = inertial[..., 4:]
    half = 0.5 * np.trace(full, axis1=-2, axis2=-1)[..., None, None]
    pseudo = np.zeros((*inertial.shape[:-1], 4, 4))
    pseudo[..., :3, :3] = half * np.eye(3) - full
    pseudo[..., :3, 3] = pseudo[..., 3, :3] = inertial[..., 1:4]
    pseudo[..., 3, 3] = inertial[..., 0]
    return pseudo


def from_pseudo(pseudo: Floats) -> Floats:
    """Return ten numbers from a pseudo-inertia, (..., 10)."""
    sigma = pseudo[..., :3, :3]
    trace = np.trace(sigma, axis1=-2, axis2=-1)[..., None, None]
    full = trace * np.eye(3) - sigma
    return np.concatenate(
        [pseudo[..., 3, 3:], pseudo[..., :3, 3], full[..., _ROWS, _COLUMNS]], axis=-1
    )


_ROWS = np.array([0, 1, 2, 0, 0, 1])
_COLUMNS = np.array([0, 1, 2, 1, 2, 2])


def principal(inertials: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mass, centre, frame wxyz and moments about the centre.

    Args:
        inertials: ten numbers about the origin, (..., 10).

    Returns:
        Mass [kg] (...), centre of mass [m] (..., 3), orientation of the principal
        axes as a wxyz quaternion (..., 4), principal moments [kg m^2] (..., 3).
    """
    pseudo = to_pseudo(inertials)
    mass = pseudo[..., 3, 3]
    com = pseudo[..., :3, 3] / mass[..., None]
    spread = pseudo[..., :3, :3] - mass[..., None, None] * (
        com[..., :, None] * com[..., None, :]
    )
    values, axes = np.linalg.eigh(spread)
    axes[..., :, 0] *= np.sign(np.linalg.det(axes))[..., None]
    moments = values.sum(axis=-1, keepdims=True) - values
    return mass, com, _quat_wxyz(axes), moments


def _quat_wxyz(rotation: Floats) -> Floats:
    """Return quaternions of rotation matrices (Bar-Itzhack 2000, J. Guid. 23)."""
    r = rotation
    k = np.zeros((*r.shape[:-2], 4, 4))
    k[..., 0, 0] = r[..., 0, 0] - r[..., 1, 1] - r[..., 2, 2]
    k[..., 1, 1] = r[..., 1, 1] - r[..., 0, 0] - r[..., 2, 2]
    k[..., 2, 2] = r[..., 2, 2] - r[..., 0, 0] - r[..., 1, 1]
    k[..., 3, 3] = r[..., 0, 0] + r[..., 1, 1] + r[..., 2, 2]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        k[..., i, j] = k[..., j, i] = r[..., i, j] + r[..., j, i]
    for i, (a, b) in enumerate(((2, 1), (0, 2), (1, 0))):
        k[..., i, 3] = k[..., 3, i] = r[..., a, b] - r[..., b, a]
    _, vectors = np.linalg.eigh(k / 3)
    xyzw = vectors[..., :, -1]
    return np.concatenate([xyzw[..., 3:], xyzw[..., :3]], axis=-1)
