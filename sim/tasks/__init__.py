"""Tasks, one a file."""

from __future__ import annotations

from forearm.core.errors import UnknownNameError

from .reach import Reach
from .task import State, Task

TASKS: dict[str, type[Task]] = {task.name: task for task in (Reach,)}
"""Every task by its name."""


def get_task(name: str) -> type[Task]:
    """Return the task called ``name``.

    Raises:
        UnknownNameError: there is no such task; the message lists the valid names.
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS)
    return TASKS[name]


__all__ = ("TASKS", "Reach", "State", "Task", "get_task")
