"""Lattice: the tool moves from cell to cell over the table, around obstacles.

State: the cell of the tool, row by row. Action: one cell in +x, +y, -x or -y of the
base frame. A move slips to each side with half the slip probability. Leaving the
lattice is not possible (the tool stays); entering an obstacle ends the episode;
entering the goal ends it with reward one. The return is therefore the success.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.kinematics import Kinematics, quat_wxyz_from_rotation
from forearm.core.robot import RobotSpec
from forearm.core.robots import DEFAULT_ROBOT, get_robot

from .inverse_kinematics import point_down
from .workspace import reach_of

Floats = NDArray[np.float64]
ToolPose = tuple[Floats, Floats]
"""Position [m] (3,) and orientation as a quaternion wxyz (4,)."""

LAYOUT = (
    "S..#.",
    "...#.",
    ".....",
    ".#...",
    ".#..G",
)
"""Rows run along x, columns along y. S start, G goal, # obstacle, . free."""

SLIP = 0.1
"""Probability that a move goes sideways, half of it to each side."""

CELL = 0.077
"""Distance of neighbouring cell centres, as a share of the arm's reach."""

CENTRE = 0.5
"""Distance of the lattice's centre from the base's axis, as a share of the reach."""

HEIGHT = 0.16
"""Height of the cell centres over the base plane, as a share of the reach."""

MOVES = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Row and column change of each action: +x, +y, -x, -y."""


def cell_size(robot: RobotSpec) -> float:
    """Return the distance of neighbouring cell centres under ``robot`` [m]."""
    return CELL * reach_of(robot)


@lru_cache(maxsize=16)
def cell_joint_positions(spec: RobotSpec, rows: int, columns: int) -> Floats:
    """Return joint positions [rad] (rows * columns, n) with the tool over each cell.

    The lattice lies where the arm at home reaches to, half as far as it can.

    Raises:
        LimitError: a cell cannot be reached with the tool pointing down.
    """
    reach, cell_width = reach_of(spec), cell_size(spec)
    towards = np.asarray(Kinematics(spec)(spec.home).position)[:2]
    centre = CENTRE * reach * towards / np.hypot(*towards)
    solutions: list[Floats] = []
    for cell in range(rows * columns):
        row, column = divmod(cell, columns)
        place = np.array([row - (rows - 1) / 2, column - (columns - 1) / 2])
        point = np.array([*(centre + cell_width * place), HEIGHT * reach])
        solutions.append(point_down(spec, point, spec.home))
    return np.array(solutions)


class LatticeEnv(gymnasium.Env[np.int64, np.int64]):
    """The discrete sub-task of an arm, with exact probabilities in :attr:`P`."""

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 (gymnasium's own form)

    def __init__(
        self,
        robot: str = DEFAULT_ROBOT,
        layout: tuple[str, ...] = LAYOUT,
        slip: float = SLIP,
        render_mode: str | None = None,
    ) -> None:
        """Lay the lattice ``layout`` under the tool of ``robot``.

        Raises:
            UnknownNameError: there is no such robot.
            LimitError: the layout is not usable or a cell cannot be reached.
        """
        if not 0 <= slip <= 1:
            raise LimitError(f"slip must lie in [0, 1], got {slip}")
        _check_layout(layout)
        self.render_mode = render_mode
        self.robot = get_robot(robot)
        self.layout = tuple(layout)
        self.slip = slip
        self._columns = len(layout[0])
        self.joint_pos = cell_joint_positions(self.robot, len(layout), self._columns)
        """Joint positions [rad] with the tool over each cell, (cells, n)."""
        cells = "".join(layout)
        self._start, self._goal = cells.index("S"), cells.index("G")
        self._cells, self._cell = cells, self._start
        self.observation_space = gymnasium.spaces.Discrete(len(cells))
        self.action_space = gymnasium.spaces.Discrete(len(MOVES))
        self.initial_state_distrib = np.eye(len(cells))[self._start]
        self.P = {
            cell: {action: self._outcomes(cell, action) for action in range(len(MOVES))}
            for cell in range(len(cells))
        }
        """Per cell and action: (probability, next cell, reward, terminated)."""

    def _target(self, cell: int, action: int) -> int:
        row, column = divmod(cell, self._columns)
        row, column = row + MOVES[action][0], column + MOVES[action][1]
        inside = 0 <= row < len(self.layout) and 0 <= column < self._columns
        return row * self._columns + column if inside else cell

    def _outcomes(self, cell: int, action: int) -> list[tuple[float, int, float, bool]]:
        if self._cells[cell] in "#G":
            return [(1.0, cell, 0.0, True)]
        chances = ((action - 1, self.slip / 2), (action, 1 - self.slip))
        outcomes = []
        for turned, probability in (*chances, (action + 1, self.slip / 2)):
            target = self._target(cell, turned % len(MOVES))
            won, ended = target == self._goal, self._cells[target] in "#G"
            outcomes.append((probability, target, float(won), ended))
        return outcomes

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        """Put the tool over the start cell."""
        super().reset(seed=seed, options=options)
        self._cell = self._start
        return np.int64(self._cell), {}

    def step(
        self, action: np.int64
    ) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        """Move one cell, or slip; ``is_success`` says whether the goal is reached."""
        outcomes = self.P[self._cell][int(action)]
        bounds = np.cumsum([outcome[0] for outcome in outcomes])
        chosen = int(np.searchsorted(bounds, self.np_random.random(), side="right"))
        _, target, reward, ended = outcomes[min(chosen, len(outcomes) - 1)]
        self._cell = target
        return np.int64(target), reward, ended, False, {"is_success": reward > 0}

    def render(self) -> str:
        """Return the lattice as text, with T at the tool's cell."""
        cells = self._cells[: self._cell] + "T" + self._cells[self._cell + 1 :]
        width = self._columns
        return "\n".join(cells[i : i + width] for i in range(0, len(cells), width))

    def pose(self, cell: int) -> ToolPose:
        """Return the tool pose over ``cell``: position [m] and quaternion wxyz."""
        pose = Kinematics(self.robot)(self.joint_pos[cell])
        return np.asarray(pose.position), quat_wxyz_from_rotation(pose.rotation)

    def plan_poses(self, policy: NDArray[np.intp]) -> list[ToolPose]:
        """Return the tool poses a policy passes through where no move slips.

        Args:
            policy: an action per cell, shape (cells,).

        Raises:
            LimitError: the policy runs in a circle or into an obstacle.
        """
        path = [self._start]
        while self._cells[path[-1]] not in "G#" and len(path) <= len(self._cells):
            path.append(self._target(path[-1], int(policy[path[-1]])))
        if path[-1] != self._goal:
            raise LimitError(f"the plan does not lead to the goal: cells {path}")
        return [self.pose(cell) for cell in path]


def _check_layout(layout: tuple[str, ...]) -> None:
    cells = "".join(layout)
    if not layout or {len(row) for row in layout} != {len(layout[0])}:
        raise LimitError("the rows of a lattice must be equally long")
    if cells.count("S") != 1 or cells.count("G") != 1 or set(cells) - set("SG#."):
        raise LimitError("a lattice has one S, one G, obstacles # and free cells .")
