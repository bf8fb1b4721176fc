"""``forearm log``: repair a recorded log."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm log``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    repair = actions.add_parser(
        "repair", help="save what a killed recorder wrote", description=run.__doc__
    )
    repair.add_argument("log", help="the torn .mcap file or its directory")
    repair.add_argument("--out", metavar="DIR", help="new log; LOG_repaired by default")
    repair.add_argument("--json", metavar="FILE", help="write what was saved")


def run(args: argparse.Namespace) -> int:
    """Write a new, complete log with every message that can still be read."""
    from pathlib import Path

    from forearm.core.files import write_json
    from forearm.deploy.record_repair import repair_log

    source = Path(args.log)
    target = Path(args.out or source.with_name(f"{source.stem}_repaired"))
    result = repair_log(source, target)
    why = f" (it ended with: {result.ended})" if result.ended else ""
    print(f"saved {result.messages} messages to {result.path}{why}")
    if args.json:
        write_json(
            args.json,
            {
                "path": str(result.path),
                "messages": result.messages,
                "ended": result.ended,
            },
        )
    return 0
