"""Distances between the capsules of an arm, for many poses at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def segment_distance(a: Floats, u: Floats, b: Floats, v: Floats) -> Floats:
    """Return the distance [m] of segments ``a + s u`` and ``b + t v``, s, t in [0, 1].

    Ericson, Real-Time Collision Detection, 2005, section 5.1.9: the nearest points of
    the two lines, clamped to the one segment, then to the other, then again.

    Args:
        a: starts, (..., 3).
        u: from there to the ends, (..., 3); may be zero.
        b: starts of the others, (..., 3).
        v: from there to their ends, (..., 3); may be zero.
    """
    w = a - b
    uu, vv, uv = _dot(u, u), _dot(v, v), _dot(u, v)
    uw, vw = _dot(u, w), _dot(v, w)
    area = np.maximum(uu * vv - uv * uv, _TINY)
    s = _unit((uv * vw - uw * vv) / area)
    t = _unit((uv * s + vw) / np.maximum(vv, _TINY))
    s = _unit((uv * t - uw) / np.maximum(uu, _TINY))
    between = w + s[..., None] * u - t[..., None] * v
    return np.asarray(np.sqrt(_dot(between, between)))


_TINY = 1e-12
"""Squares of lengths below it are points [m2]; keeps divisions finite."""


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("...i,...i->...", a, b))


def _unit(x: Floats) -> Floats:
    return np.minimum(np.maximum(x, 0.0), 1.0)
