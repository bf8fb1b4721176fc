"""The arms forearm knows, one file each."""

from __future__ import annotations

from forearm.core.errors import UnknownNameError
from forearm.core.robot import RobotSpec

from .panda import PANDA
from .so101 import SO101
from .ur5e import UR5E
from .ur10e import UR10E
from .xl330 import XL330

ROBOTS: dict[str, RobotSpec] = {
    spec.name: spec for spec in (UR5E, UR10E, PANDA, SO101, XL330)
}
"""Every arm by its short name."""


def get_robot(name: str) -> RobotSpec:
    """Return the arm called ``name``.

    Raises:
        UnknownNameError: there is no such arm; the message lists the valid names.
    """
    if name not in ROBOTS:
        raise UnknownNameError("robot", name, ROBOTS)
    return ROBOTS[name]


__all__ = ("ROBOTS", "get_robot")
