"""``forearm robots``: list the arms there are."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm robots``."""
    parser.add_argument("--json", metavar="FILE", help="write the list as JSON")


def run(args: argparse.Namespace) -> int:
    """Print name, joints and payload of every arm."""
    from forearm.core.files import write_json
    from forearm.core.robots import ROBOTS

    for spec in ROBOTS.values():
        print(
            f"{spec.name:<8} {spec.n} joints, {spec.payload_limit:g} kg  {spec.title}"
        )
    if args.json:
        write_json(args.json, {name: list(s.joint_names) for name, s in ROBOTS.items()})
    return 0
