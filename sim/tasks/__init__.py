"""Tasks, one a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from forearm.core.contract import Contract
from forearm.core.errors import LimitError, UnknownNameError

from .goal_box import GoalBox, as_goal_box
from .insert import Insert
from .pick_place import PickPlace
from .push import Push
from .reach import Reach
from .task import State, Task
from .track import Track

TASKS: dict[str, type[Task]] = {
    task.name: task for task in (Reach, Track, Push, PickPlace, Insert)
}
"""Every task by its name."""


def get_task(name: str, goal_box: Sequence[float] | None = None) -> type[Task]:
    """Return the task called ``name``, its targets within ``goal_box`` if given.

    Args:
        name: short name.
        goal_box: XMIN XMAX YMIN YMAX ZMIN ZMAX in the base frame [m]; what an arm
            cannot reach is refused where the task meets the arm.

    Raises:
        UnknownNameError: there is no such task; the message lists the valid names.
        LimitError: the box is none, or the task takes none.
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS)
    if goal_box is None:
        return TASKS[name]
    if name != Reach.name:
        raise LimitError(f"task {name!r} takes no goal box; valid: {Reach.name}")
    return _boxed_reach(as_goal_box(goal_box))


@lru_cache
def _boxed_reach(box: GoalBox) -> type[Task]:
    return type(Reach.__name__, (Reach,), {"goal_box": box, "__doc__": Reach.__doc__})


def contract_task(contract: Contract) -> type[Task]:
    """Return the task that a bundle's policy was trained for, goal box included."""
    return get_task(contract.task, contract.task_info.get("goal_box"))


__all__ = (
    "TASKS",
    "Insert",
    "PickPlace",
    "Push",
    "Reach",
    "State",
    "Task",
    "Track",
    "contract_task",
    "get_task",
)
