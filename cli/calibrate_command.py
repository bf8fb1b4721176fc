"""``forearm calibrate``: fit the simulator to recorded logs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .user_robot import add_robot, required_robot

if TYPE_CHECKING:
    from forearm.core.log import RunLog
    from forearm.core.params import Params
    from forearm.core.robot import RobotSpec


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm calibrate``."""
    add = parser.add_argument
    add(
        "logs",
        metavar="LOG",
        nargs="+",
        help="rosbag2 directory, .mcap, .db3, .npz, .csv or .json (also .gz) with "
        "joint states and commands or efforts; LOG@FIRST:LAST reads these rows only",
    )
    add_robot(parser)
    add("--out", metavar="FILE", required=True, help="params.yaml")
    add("--report", metavar="FILE", help="write an HTML report")
    add("--json", metavar="FILE", help="write the result as JSON")
    add(
        "--randomization",
        metavar="FILE",
        help="write what training should vary, for forearm train --randomization",
    )
    add("--mjcf", metavar="FILE", help="write an .xml for plain MuJoCo")
    add(
        "--columns",
        metavar="MAP",
        help="layout of .csv logs: a .yaml file or a preset such as "
        "ur10e-dynamic-calibration",
    )
    add("--rows", metavar="FIRST:LAST", help="rows of every LOG, counted from 1")
    add(
        "--effort-unit",
        choices=("Nm", "A"),
        help="what the logs' effort is, where the file does not say it",
    )
    add("--holdout", type=float, default=0.3, help="part of each log that only judges")
    add(
        "--holdout-logs",
        metavar="LOG",
        nargs="+",
        default=[],
        help="logs that only judge, instead of a part of each",
    )
    add("--known-payload", metavar="KG", type=float, help="mass in --loaded")
    add("--loaded", metavar="LOG", help="log with a known load: scales drive gains")
    add(
        "--weigh",
        metavar="LOG",
        nargs="+",
        default=[],
        help="logs with an unknown load, whose mass is wanted",
    )


def run(args: argparse.Namespace) -> int:
    """Calibrate, write the params and print the held-out error.

    Logs with commands are replayed; logs with efforts only are regressed.
    """
    from forearm.core.errors import ForearmError
    from forearm.core.robots import get_robot

    robot = get_robot(required_robot(args))
    logs = [_read(args, text, robot) for text in args.logs]
    if any(len(log.command_time) for log in logs):
        if args.loaded or args.weigh:
            raise ForearmError(
                "--loaded and --weigh are of logs with efforts and no commands; where "
                "commands were logged the load is found with the rest, payload_mass"
            )
        return _replay(args, robot, logs)
    from .calibrate_effort import regress

    return regress(args, robot, logs, lambda text: _read(args, text, robot))


def _read(args: argparse.Namespace, text: str, robot: RobotSpec) -> RunLog:
    import dataclasses

    from forearm.core.log_columns import load_column_map
    from forearm.core.log_io import parse_rows, read_log, split_rows

    path, rows = split_rows(text)
    if rows is None and args.rows and text in args.logs:
        rows = parse_rows(args.rows)
    columns = load_column_map(args.columns) if args.columns else None
    log = read_log(path, robot, columns, rows)
    return dataclasses.replace(log, effort_unit=args.effort_unit or log.effort_unit)


def _replay(args: argparse.Namespace, robot: RobotSpec, logs: list[RunLog]) -> int:
    from forearm.calibration.calibrate import UNIT, calibrate
    from forearm.calibration.mjcf import write_mjcf
    from forearm.calibration.predicted import predicted
    from forearm.calibration.report import write_report
    from forearm.core.files import write_json
    from forearm.core.params import save_params

    held = [_read(args, text, robot) for text in args.holdout_logs]
    result = calibrate(logs, robot, args.holdout, held)
    save_params(args.out, result.params)
    envelope = predicted(result) if args.report or args.json else None
    if args.report:
        write_report(args.report, result, envelope)
    if args.randomization:
        write_randomization(args, robot, result.params)
    if args.mjcf:
        write_mjcf(args.mjcf, robot, result.params.values(robot))
    if args.json:
        content = {**result.as_json(), "params_file": str(args.out)}
        content["envelope"] = envelope.as_json() if envelope else None
        write_json(args.json, content)
    print(
        f"held out  {result.before:.2f} {UNIT} nominal, {result.after:.2f} {UNIT} "
        f"calibrated ({result.measure})"
    )
    for finding in result.findings:
        print(f"finding   {finding}")
    for sentence in result.unidentifiable:
        print(f"unknown   {sentence}")
    print(f"params    {args.out} in {result.seconds:.1f} s")
    return 0


def write_randomization(
    args: argparse.Namespace, robot: RobotSpec, params: Params
) -> None:
    """Write what training should vary, after ``--randomization``."""
    from forearm.calibration.posterior_file import posterior_randomization
    from forearm.sim.randomization_file import save_randomization

    found = posterior_randomization(params, robot)
    save_randomization(args.randomization, found, {"params": str(args.out)})
