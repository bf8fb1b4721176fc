"""``forearm log``: check, compare or repair a recorded log."""

from __future__ import annotations

import argparse

from .user_robot import add_robot, named_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm log``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    repair = actions.add_parser(
        "repair",
        help="save what a killed recorder wrote",
        description=repair_torn.__doc__,
    )
    repair.add_argument("log", help="the torn .mcap file or its directory")
    repair.add_argument("--out", metavar="DIR", help="new log; LOG_repaired by default")
    repair.add_argument("--json", metavar="FILE", help="write what was saved")
    compare = actions.add_parser(
        "compare",
        help="a policy in shadow with who drove",
        description=compare_shadow.__doc__,
    )
    compare.add_argument("log", help="log of forearm deploy --shadow --record")
    compare.add_argument("--node", help="name of the node, where there are several")
    compare.add_argument("--json", metavar="FILE", help="write the differences")
    check = actions.add_parser(
        "check", help="what is wrong with a log", description=check_logs.__doc__
    )
    check.add_argument("logs", metavar="LOG", nargs="+", help="any kind of log")
    add_robot(check)
    check.add_argument("--columns", metavar="FILE", help="column map of a table")
    check.add_argument("--json", metavar="FILE", help="write the findings")


def run(args: argparse.Namespace) -> int:
    """Check, compare or repair."""
    actions = {"check": check_logs, "compare": compare_shadow, "repair": repair_torn}
    return actions[args.action](args)


def compare_shadow(args: argparse.Namespace) -> int:
    """Say by joint how far a policy in shadow was from the commands that drove."""
    from forearm.core.errors import FileError
    from forearm.core.files import write_json
    from forearm.core.log_text import read_timing

    records = [r for r in read_timing(args.log, args.node) if r.differences]
    if not records:
        raise FileError(
            args.log,
            "holds no policy in shadow",
            "forearm deploy BUNDLE --shadow --record LOG makes such a log",
        )
    last = records[-1]
    found = {joint: d.summary() for joint, d in last.differences.items()}
    print(f"{'joint':<24}{'rms mrad':>10}{'p99 mrad':>10}{'max mrad':>10}{'count':>8}")
    for joint, row in found.items():
        values = "".join(f"{row[k] * 1e3:10.2f}" for k in ("rms", "p99", "max"))
        print(f"{joint:<24}{values}{row['count']:>8}")
    print(f"driving: {last.driving}")
    if not any(row["count"] for row in found.values()):
        print("nothing was compared: nobody drove while the policy was running")
    if args.json:
        write_json(args.json, {"driving": last.driving, "joints": found})
    return 0


def check_logs(args: argparse.Namespace) -> int:
    """Examine logs as before every calibration: units, signs, order, clocks, rows."""
    from forearm.calibration.doctor import check_log
    from forearm.core.files import write_json
    from forearm.core.log_columns import load_column_map
    from forearm.core.log_io import read_log
    from forearm.core.robots import get_robot

    name = named_robot(args)  # with it, limits and torques are checked too
    robot = get_robot(name) if name else None
    columns = load_column_map(args.columns) if args.columns else None
    found = []
    for path in args.logs:
        found += check_log(read_log(path, robot, columns), robot).findings
    for finding in found:
        print(f"{finding.code:<14}{finding}")
    if args.json:
        write_json(args.json, {"findings": [f.as_json() for f in found]})
    return 0


def repair_torn(args: argparse.Namespace) -> int:
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
