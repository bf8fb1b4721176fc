"""``--model`` and ``--spec``: a user's own robot, in every command alike."""

from __future__ import annotations

import argparse


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
