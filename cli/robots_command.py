"""``forearm robots``: list the arms there are."""

from __future__ import annotations

import argparse
from typing import Any

from .user_robot import add_user_robot, load_user_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm robots``."""
    parser.add_argument("name", nargs="?", help="one arm, with limits and sources")
    add_user_robot(parser)
    parser.add_argument("--json", metavar="FILE", help="write the list as JSON")


def run(args: argparse.Namespace) -> int:
    """Print joints and payload of every arm, or limits and sources of one."""
    from forearm.core.files import write_json
    from forearm.core.robots import BENCHES, ROBOTS, get_robot

    own = load_user_robot(args)
    name = args.name or own
    if name:
        _print_one(get_robot(name))
    else:
        for spec in (*ROBOTS.values(), *BENCHES.values()):
            hand = "" if spec.gripper is None else " + gripper"
            print(
                f"{spec.name:<8} {f'{spec.n} joints{hand}':<19} "
                f"{spec.payload_limit:>4g} kg  {spec.title}"
            )
    if args.json:
        write_json(args.json, {name: list(s.joint_names) for name, s in ROBOTS.items()})
    return 0


def _print_one(spec: Any) -> None:
    whole = spec if spec.gripper is None else spec.with_gripper()
    print(f"{spec.title}, payload {spec.payload_limit:g} kg, tool {spec.tool_frame}")
    print(
        f"{'joint':<20} {'lower':>8} {'upper':>8} {'velocity':>8} {'acceler.':>8} "
        f"{'jerk':>8} {'effort':>8} {'home':>8}"
    )
    for joint in whole.joints:
        numbers = (
            joint.lower,
            joint.upper,
            joint.velocity,
            joint.acceleration,
            joint.jerk,
            joint.effort,
            joint.home,
        )
        unit = "  m, N" if joint.prismatic else "  rad, Nm"
        print(f"{joint.name:<20}", *(f"{x:8.4g}" for x in numbers), unit)
    for what, source in spec.sources.items():
        print(f"{what}: {source}")
