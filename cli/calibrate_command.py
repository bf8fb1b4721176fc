"""``forearm calibrate``: fit the simulator to recorded logs."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm calibrate``."""
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="rosbag2 directory, .mcap, .db3 or .npz with joint states and commands",
    )
    parser.add_argument("--robot", required=True, help="the arm in the logs")
    parser.add_argument("--out", metavar="FILE", required=True, help="params.yaml")
    parser.add_argument("--report", metavar="FILE", help="write an HTML report")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")
    parser.add_argument(
        "--holdout", type=float, default=0.3, help="part of each log that only judges"
    )


def run(args: argparse.Namespace) -> int:
    """Calibrate, write the params and print the held-out error."""
    from forearm.calibration.calibrate import UNIT, calibrate
    from forearm.calibration.report import write_report
    from forearm.core.files import write_json
    from forearm.core.log_io import read_log
    from forearm.core.params import save_params
    from forearm.core.robots import get_robot

    robot = get_robot(args.robot)
    logs = [read_log(path, robot) for path in args.logs]
    result = calibrate(logs, robot, args.holdout)
    save_params(args.out, result.params)
    if args.report:
        write_report(args.report, result)
    if args.json:
        write_json(args.json, {**result.as_json(), "params_file": str(args.out)})
    print(
        f"held out  {result.before:.2f} {UNIT} nominal, {result.after:.2f} {UNIT} "
        "calibrated (RMS over 0.5 s open loop)"
    )
    for finding in result.findings:
        print(f"finding   {finding}")
    if result.unidentifiable:
        print(f"unknown   {', '.join(result.unidentifiable)}")
    print(f"params    {args.out} in {result.seconds:.1f} s")
    return 0
