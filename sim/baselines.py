"""Baselines: the expert's recorded results, as long as the task is still the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from forearm.core.files import read_structured
from forearm.core.robot import RobotSpec

from .tasks import Task

RECORD = Path(__file__).parent / "assets" / "baselines.json"
"""Written by ``forearm expert --all --json``; read by evaluations."""


def task_digest(robot: RobotSpec, task: type[Task]) -> str:
    """Return a fingerprint of what is asked: success, times, limits, arm and tool."""
    equipped = task.equip(robot)
    content = {
        "info": task(robot, 1).info(),
        "success": task.success,
        "limits": repr(task.limits),
        "joints": repr(equipped.joints),
        "tool": repr((equipped.tool_xyz, equipped.tool_rpy)),
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_expert(
    robot: RobotSpec, task: type[Task], record: Path = RECORD
) -> dict[str, Any] | None:
    """Return the expert's recorded result; none if it is of another task by now."""
    if not record.is_file():
        return None
    for entry in read_structured(record)["results"]:
        if (entry["robot"], entry["task"]) == (robot.name, task.name):
            return entry if entry["digest"] == task_digest(robot, task) else None
    return None
