"""``--robot``, ``--model`` and ``--spec``: which arm, in every command alike."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forearm.core.robot import RobotSpec


def add_robot(parser: argparse.ArgumentParser) -> None:
    """Add ``--robot``, ``--model`` and ``--spec`` to a command."""
    parser.add_argument("--robot", help="arm, see forearm robots")
    add_user_robot(parser)


def add_user_robot(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--spec`` to a command."""
    parser.add_argument("--model", metavar="XML", help="MJCF of your own robot")
    parser.add_argument("--spec", metavar="YAML", help="its spec file, with --model")


def load_user_robot(args: argparse.Namespace) -> str | None:
    """Register the robot of ``args``, if there is one, and return its name.

    Raises:
        ForearmError: only one of the two is given, or the robot is refused.
    """
    from forearm.core.errors import ForearmError

    if args.model is None and args.spec is None:
        return None
    if args.model is None or args.spec is None:
        raise ForearmError("--model and --spec go together; give both or neither")
    from forearm.sim.user_robot import load_robot

    return load_robot(args.model, args.spec).name


def named_robot(args: argparse.Namespace) -> str | None:
    """Return the arm that ``args`` name, a user's own one registered.

    Raises:
        ForearmError: ``--robot`` and the spec file name different arms.
    """
    from forearm.core.errors import MismatchError

    own = load_user_robot(args)
    if own is not None and args.robot not in (None, own):
        raise MismatchError("--robot", args.robot, f"{own}, as the spec file says")
    return own or args.robot


def robot_or_default(args: argparse.Namespace) -> str:
    """Return the arm that ``args`` name, or the default one."""
    from forearm.core.robots import DEFAULT_ROBOT

    return named_robot(args) or DEFAULT_ROBOT


def required_robot(args: argparse.Namespace) -> str:
    """Return the arm that ``args`` name.

    Raises:
        ForearmError: they name none.
    """
    from forearm.core.errors import ForearmError

    name = named_robot(args)
    if name is None:
        raise ForearmError(
            "which arm? give --robot NAME (see forearm robots), or --model and --spec "
            "of your own"
        )
    return name


def robot_flags(robot: RobotSpec) -> list[str]:
    """Return the flags that name ``robot`` to another ``forearm`` process."""
    from forearm.core.robots import OWN

    if robot.name not in OWN:
        return ["--robot", robot.name]
    return ["--model", robot.sources["model"], "--spec", robot.sources["spec"]]
