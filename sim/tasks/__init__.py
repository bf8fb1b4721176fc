"""Tasks, one a file."""

from __future__ import annotations

from forearm.core.errors import UnknownNameError

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


def get_task(name: str) -> type[Task]:
    """Return the task called ``name``.

    Raises:
        UnknownNameError: there is no such task; the message lists the valid names.
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS)
    return TASKS[name]


__all__ = (
    "TASKS",
    "Insert",
    "PickPlace",
    "Push",
    "Reach",
    "State",
    "Task",
    "Track",
    "get_task",
)
