"""The arms forearm knows, one file each, and a user's own."""

from __future__ import annotations

from forearm.core.errors import UnknownNameError
from forearm.core.robot import RobotSpec

from .panda import PANDA
from .so101 import SO101
from .ur5e import UR5E
from .ur10e import UR10E
from .xl330 import XL330

DEFAULT_ROBOT = UR5E.name
"""The arm of every command, environment and configuration that names none."""

ROBOTS: dict[str, RobotSpec] = {spec.name: spec for spec in (UR5E, UR10E, PANDA, SO101)}
"""Every arm by its short name."""

BENCHES: dict[str, RobotSpec] = {spec.name: spec for spec in (XL330,)}
"""Single servos on a test bench: for calibration, not for tasks."""

OWN: dict[str, RobotSpec] = {}
"""The user's own arms of this process: ``forearm.sim.user_robot.load_robot``."""


def get_robot(name: str) -> RobotSpec:
    """Return the arm or test bench called ``name``.

    Raises:
        UnknownNameError: there is no such arm; the message lists the valid names.
    """
    known = {**OWN, **ROBOTS, **BENCHES}
    if name not in known:
        raise UnknownNameError("robot", name, known)
    return known[name]


__all__ = ("BENCHES", "DEFAULT_ROBOT", "OWN", "ROBOTS", "get_robot")
