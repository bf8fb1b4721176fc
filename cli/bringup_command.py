"""``forearm bringup``: start plant or driver, node and recorder from one file."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm bringup``."""
    parser.add_argument("spec", help="YAML file: arms: [{robot, bundle, ...}]")
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="end after this time"
    )


def run(args: argparse.Namespace) -> int:
    """Supervise the processes of one file until a signal."""
    from forearm.core.files import read_model
    from forearm.deploy.bringup import BringupSpec, bring_up

    bring_up(read_model(args.spec, BringupSpec), args.seconds)
    return 0
