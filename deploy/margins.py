"""Margins: how far a pose of the arm is from leaving its box or meeting itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.geometry import Capsule, Geometry, Workspace
from forearm.core.kinematics import Kinematics

from .capsules import segment_distance
from .faults import Fault, Problem

Floats = NDArray[np.float64]


class Margins:
    """Distances to every face of every box, and of every pair beyond its clearance."""

    def __init__(
        self,
        geometry: Geometry,
        workspaces: Sequence[Workspace],
        clearance: float | None,
    ) -> None:
        """Bind what is to be kept.

        Args:
            geometry: of the arm.
            workspaces: boxes that all hold.
            clearance: least distance between two capsules [m]; none for no check.

        Raises:
            LimitError: the contract carries no capsules but they are asked for.
        """
        whole = clearance is not None or any(w.holds == "arm" for w in workspaces)
        last = len(geometry.chain)
        if whole and not any(c.link < last for c in geometry.capsules):
            raise LimitError(
                "the contract carries no capsules of the arm, so only a workspace of "
                "the tool can be kept; export the bundle again"
            )
        self._kinematics = Kinematics(geometry)
        self._workspaces, self._clearance = list(workspaces), clearance
        self._capsules = [c for c in geometry.capsules if whole or c.link == last]
        self._pairs = geometry.pairs if clearance is not None else []
        self._link = np.array([c.link for c in self._capsules], int)
        self._ends = _ends(self._capsules)
        self._radius = np.array([c.radius for c in self._capsules])
        least = {"arm": 1, "tool": last}
        self._inside = [
            np.flatnonzero(self._link >= least[w.holds]) for w in workspaces
        ]
        self._one, self._other = np.array(self._pairs, int).reshape(-1, 2).T
        self._apart = self._radius[self._one] + self._radius[self._other]
        self.levers = self._levers(geometry)
        """No margin changes faster than this per angle of each joint [m], (m, n)."""

    def __call__(self, joint_pos: Floats) -> Floats:
        """Return the margins [m] of poses ``joint_pos`` [rad] (k, n), negative outside.

        Six a box (lower x, y, z, upper x, y, z), then one a pair; shape (k, m).
        """
        frames = self._kinematics.link_frames(joint_pos)
        tool = frames[:, -1, :3, 3]
        columns = []
        if self._capsules:
            ends = (frames[:, self._link] @ self._ends)[:, :, :3]  # (k, c, 3, 2)
        for box, inside in zip(self._workspaces, self._inside, strict=True):
            low, high = tool, tool
            if len(inside):
                held, radius = ends[:, inside], self._radius[inside]
                low = np.minimum(low, (held.min(-1) - radius[:, None]).min(1))
                high = np.maximum(high, (held.max(-1) + radius[:, None]).max(1))
            columns += [low - np.array(box.lower), np.array(box.upper) - high]
        if self._clearance is not None:
            start, way = ends[..., 0], ends[..., 1] - ends[..., 0]
            i, j = self._one, self._other
            between = segment_distance(start[:, i], way[:, i], start[:, j], way[:, j])
            columns.append(between - self._apart - self._clearance)
        return np.concatenate(columns, axis=1)

    def _levers(self, geometry: Geometry) -> Floats:
        n, capsules = len(geometry.chain), self._capsules
        tool = _lever(geometry, n, float(np.linalg.norm(geometry.tool.xyz)))
        rows = []
        for inside in self._inside:
            held = [capsules[k] for k in inside]
            levers = [tool, *(_lever(geometry, c.link, _tip(c)) for c in held)]
            rows += [np.max(levers, axis=0)] * 6
        for pair in self._pairs:
            near, far = sorted((capsules[k] for k in pair), key=lambda c: c.link)
            rows.append(_lever(geometry, far.link, _tip(far), near.link))
        return np.array(rows)

    def problem(self, column: int, margin: float) -> Problem:
        """Say in words what the ``margin`` [m] of a ``column`` breaks."""
        if column < 6 * len(self._workspaces):
            box = self._workspaces[column // 6]
            upper, axis = divmod(column % 6, 3)
            bounds = (box.lower[axis], box.upper[axis])
            at = bounds[upper] + (-margin if upper else margin)
            return Problem(
                Fault.WORKSPACE,
                f"{box.holds} would reach {'xyz'[axis]} = {at:.3f} m, the workspace is "
                f"{bounds[0]:.3f} to {bounds[1]:.3f} m",
            )
        i, j = self._pairs[column - 6 * len(self._workspaces)]
        assert self._clearance is not None
        return Problem(
            Fault.SELF_COLLISION,
            f"{self._capsules[i].name} would come within "
            f"{1e3 * (margin + self._clearance):.0f} mm of {self._capsules[j].name}, "
            f"allowed {1e3 * self._clearance:.0f} mm",
        )


def _ends(capsules: Sequence[Capsule]) -> Floats:
    """Return both ends of each capsule as homogeneous columns, (c, 4, 2)."""
    ends = np.ones((len(capsules), 4, 2))
    for k, capsule in enumerate(capsules):
        ends[k, :3, 0], ends[k, :3, 1] = capsule.start, capsule.end
    return ends


def _lever(geometry: Geometry, link: int, tip: float, base: int = 0) -> Floats:
    """Return how far a point may be from each joint's axis [m], (n,).

    Args:
        geometry: of the arm.
        link: the point's link.
        tip: its distance from that link's origin [m].
        base: link in which it is seen; joints before that one do not move it.
    """
    lever, reach = np.zeros(len(geometry.chain)), tip
    for k in reversed(range(base, link)):
        lever[k] = reach
        reach += float(np.linalg.norm(geometry.chain[k].xyz))
    return lever


def _tip(capsule: Capsule) -> float:
    return float(max(np.linalg.norm(capsule.start), np.linalg.norm(capsule.end)))
