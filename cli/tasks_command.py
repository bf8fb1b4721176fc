"""``forearm tasks``: list the tasks there are."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm tasks``."""
    parser.add_argument("--json", metavar="FILE", help="write the list as JSON")


def run(args: argparse.Namespace) -> int:
    """Print name and summary of every task."""
    from forearm.core.files import write_json
    from forearm.sim.tasks import TASKS

    for task in TASKS.values():
        print(f"{task.name:<10} {1 / task.control_dt:.0f} Hz  {task.summary}")
        print(f"{'':<10} success: {task.success}")
    if args.json:
        write_json(args.json, {name: task.summary for name, task in TASKS.items()})
    return 0
