"""The files of a user's own arm: a copy for a training run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from forearm.core.errors import FileError
from forearm.core.files import read_structured, write_json
from forearm.core.robot import RobotSpec

from .user_robot import load_robot, model_files

FOLDER, INDEX = "robot", "files.json"
"""Folder in a run directory and the file in it that says which file is which."""


def keep_files(robot: RobotSpec, out: Path) -> None:
    """Copy every file of a user's own arm into ``out``; the copy serves as well."""
    model, spec = Path(robot.sources["model"]), Path(robot.sources["spec"])
    files = model_files(model)
    root = Path(os.path.commonpath([path.parent for path in files]))
    out.mkdir(parents=True)
    for path in files:
        target = out / "model" / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(spec, out / f"spec{spec.suffix}")
    index = {
        "model": str(Path("model") / model.relative_to(root)),
        "spec": f"spec{spec.suffix}",
        "sha256": robot.sources["sha256"],
    }
    write_json(out / INDEX, index)


def load_kept(folder: Path) -> RobotSpec:
    """Read an arm back from :func:`keep_files` and make it known by its name.

    Raises:
        FileError: a file is missing or was altered.
        MismatchError: another arm of that name is loaded.
    """
    index = read_structured(folder / INDEX)
    try:
        model, spec = folder / index["model"], folder / index["spec"]
        expected = index["sha256"]
    except (KeyError, TypeError) as error:
        raise FileError(folder / INDEX, f"is not an arm's index ({error})") from error
    robot = load_robot(model, spec)
    if robot.sources["sha256"] != expected:
        raise FileError(folder, "the arm's files were altered", "train anew")
    return robot
