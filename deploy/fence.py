"""Fence: no command leads out of the workspace or the arm into itself.

A candidate command is accepted only if its pose, and every pose of the stop manoeuvre
behind it, stays inside. Otherwise the arm takes the stop manoeuvre of the command
before, which was accepted the same way: from an accepted state a safe command always
exists, as for the limits (:mod:`forearm.deploy.limiter`). An arm that starts outside
may only take commands whose way to rest goes no farther out.

Most periods need no kinematics: a margin changes at most by the levers times the way
of the joints, so a pose known to be far inside vouches for its surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forearm.core.contract import Contract
from forearm.core.errors import LimitError
from forearm.core.geometry import Tool, Workspace
from forearm.core.kinematics import mount

from .faults import Problem
from .limiter import Limiter
from .margins import Margins

SET_OUT = 0.01
"""How far inside a wish must lie that does not lead inwards for a stopped arm to set
out again [m]: more than the way from the last accepted command to the border, so that
an arm that leans on it stays stopped."""


class Fence:
    """What a limiter may not do because of where it would bring the arm."""

    def __init__(self, margins: Margins) -> None:
        """Keep every one of ``margins`` positive."""
        self._margins = margins
        count, self._n = margins.levers.shape
        self._pose = np.zeros(self._n)
        self._known = np.full(count, -math.inf)
        self.refused = 0
        """Commands that were not sent."""
        self.problem: Problem | None = None
        """Why the last command was not sent, if it was not."""

    def step(self, limiter: Limiter, wish: Sequence[float] | None) -> bool:
        """Move ``limiter`` towards ``wish`` [rad] or brake; returns whether it was met.

        What keeps the wish from being followed is in :attr:`problem`; ``None`` stops.
        """
        before = limiter.remember()
        met = limiter.step(wish)
        self.problem = None
        if wish is None or self._vouched(limiter):
            return met
        now = [p for p, _, _ in before]
        margins = self._margins(np.array([now, *limiter.stop_poses()]))
        worst = margins.min(axis=1)
        farthest = 1 + int(np.argmin(worst[1:]))
        if worst[farthest] >= min(0.0, worst[0]):
            self._look(limiter.position, margins[1])
            return met
        limiter.take_back(before)
        limiter.step(None)
        self._look(now, margins[0])
        self.refused += 1
        column = int(np.argmin(margins[farthest]))
        self.problem = self._margins.problem(column, float(worst[farthest]))
        return False

    def judge(self, limiter: Limiter, wish: Sequence[float]) -> Problem | None:
        """Return why the arm may not set out for ``wish`` [rad], if it may not.

        It may where the wish leads away from the border or lies well inside.
        """
        wish = limiter.clip(wish)
        margins = self._margins(np.array([limiter.position, wish]))
        here, there = margins.min(axis=1)
        self._look(limiter.position, margins[0])
        if there >= SET_OUT or there > here:
            return None
        found = self._margins.problem(int(np.argmin(margins[1])), float(there))
        return Problem(found.fault, f"{found.text}; it goes on {SET_OUT * 1e3:g} mm in")

    def rehearse(self, limiter: Limiter) -> None:
        """Compute margins and forget them: the code is in the caches for the step."""
        self._margins(np.array([limiter.position]))

    @property
    def margin(self) -> float:
        """Smallest margin at the last pose that was looked at [m]."""
        return float(self._known.min())

    def _look(self, pose: Sequence[float], margins: NDArray[np.float64]) -> None:
        self._pose, self._known = np.array(pose[: self._n]), margins

    def _vouched(self, limiter: Limiter) -> bool:
        """Whether every pose from here to rest is surely inside."""
        pose, travel = limiter.position[: self._n], limiter.travel[: self._n]
        way = np.abs(pose - self._pose) + travel
        return bool((self._known > self._margins.levers @ way).all())


def make_fence(
    contract: Contract,
    workspace: Workspace | None,
    clearance: float | None,
    tool: Tool | None = None,
) -> Fence | None:
    """Return the fence that contract and operator ask for, or none.

    Both boxes hold, and the larger clearance: the operator can only narrow.

    Args:
        contract: of the bundle.
        workspace: the operator's box, if any.
        clearance: the operator's least distance [m], if any.
        tool: what the operator mounted on the arm, if the contract does not know it.

    Raises:
        LimitError: the contract carries no geometry, the boxes exclude each other,
            the clearance is not positive, or there is a tool and nothing to keep.
    """
    boxes = [w for w in (contract.workspace, workspace) if w is not None]
    distances = [d for d in (contract.clearance, clearance) if d is not None]
    if not boxes and not distances:
        if tool is not None:
            raise LimitError(
                "a tool is kept inside a workspace and off the arm, and neither "
                "--workspace nor --clearance is given"
            )
        return None
    if contract.geometry is None:
        raise LimitError(
            "the contract carries no geometry of the arm, so neither a workspace nor a "
            "clearance can be kept; export the bundle again"
        )
    if not all(0 < d < math.inf for d in distances):
        raise LimitError(f"a clearance must be positive, got {min(distances)} m")
    for axis in range(3) if boxes else ():
        low, high = max(b.lower[axis] for b in boxes), min(b.upper[axis] for b in boxes)
        if low >= high:
            raise LimitError(
                f"the workspace is empty along {'xyz'[axis]}: the contract and the "
                f"operator leave {low} to {high} m"
            )
    geometry = contract.geometry if tool is None else mount(contract.geometry, tool)
    return Fence(Margins(geometry, boxes, max(distances, default=None)))
