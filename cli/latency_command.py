"""``forearm latency``: the delays that a log measured, and their randomization."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forearm.calibration.latency import Latency
    from forearm.calibration.motion_delay import MotionDelay
    from forearm.core.log import RunLog
    from forearm.core.robot import RobotSpec

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
"""What is told of each distribution."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm latency``."""
    parser.add_argument("log", help="log of forearm deploy --record")
    parser.add_argument("--robot", help="the arm, where joint states hold more joints")
    parser.add_argument("--node", help="name of the node, where the log holds several")
    parser.add_argument(
        "--params", help="params of forearm calibrate, whose command delay is taken"
    )
    parser.add_argument(
        "--randomization", metavar="FILE", help="write what forearm train draws from"
    )
    parser.add_argument(
        "--preset",
        default="light",
        help="randomization that holds for everything but delays; none for nothing",
    )
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the distributions and write the files asked for."""
    from forearm.calibration.latency import Latency
    from forearm.core.errors import ForearmError
    from forearm.core.files import write_json
    from forearm.core.log_io import read_log
    from forearm.core.log_text import read_timing
    from forearm.core.robots import get_robot
    from forearm.core.timing import Measured
    from forearm.sim.randomization_file import find_randomization, save_randomization

    robot = get_robot(args.robot) if args.robot else None
    base = find_randomization(args.preset)
    log = read_log(args.log, robot)
    measured = Measured(read_timing(args.log, args.node))
    motion, why = find_motion(log, robot, args.params)
    if motion is None and not measured.runs:
        raise ForearmError(why)
    found = Latency.of(log, measured, motion)
    result = {**summary(found), "unknown": why}
    say(result)
    if args.randomization:
        name = robot.name if robot else None
        drawn = found.randomization(base, name)
        notes = {"log": str(args.log), "preset": args.preset, **found.notes()}
        save_randomization(args.randomization, drawn, notes)
        print(f"forearm train --randomization {args.randomization} draws from these")
    if args.json:
        write_json(args.json, result)
    return 0


def find_motion(
    log: RunLog, robot: RobotSpec | None, params: str | None
) -> tuple[MotionDelay | None, str]:
    """Return the delay from command to motion, or none and why."""
    from forearm.calibration.motion_delay import calibrated_delay, motion_delay
    from forearm.core.errors import ForearmError
    from forearm.core.params import load_params

    if params and robot is None:
        raise ForearmError("--params needs --robot, the arm they are of")
    if params and robot:
        return calibrated_delay(load_params(params, robot)), ""
    try:
        return motion_delay(log), ""
    except ForearmError as error:
        return None, str(error)


def summary(found: Latency) -> dict[str, Any]:
    """Return the keys of ``--json``; times in seconds."""
    measured, motion = found.measured, found.motion
    distributions = {
        name: {"count": h.count, **{k: h.quantile(q) for k, q in QUANTILES.items()}}
        for name, h in measured.histograms.items()
    }
    if motion is not None:
        distributions["motion"] = {
            "count": len(motion.segments),
            **{k: motion.quantile(q) for k, q in QUANTILES.items()},
        }
    return {
        "distributions": distributions,
        "motion_delay": motion and motion.delay,
        "motion_method": found.method,
        "ranges": {name: list(r) for name, r in found.ranges().items()},
        "runs": len(measured.runs),
        "ticks": measured.ticks,
        "missed_share": measured.missed_share,
        "other_clock": measured.other_clock,
    }


def say(result: dict[str, Any]) -> None:
    """Print the table in words."""
    from forearm.core.timing import MEASURED
    from forearm.sim.quantities import QUANTITIES

    words = {**MEASURED, "motion": "command's stamp to motion"}
    columns = "".join(f"{name + ' ms':>9}" for name in QUANTILES)
    print(f"{'delay':<12}{columns}{'count':>8}  from ... to")
    for name, row in result["distributions"].items():
        values = "".join(f"{row[k] * 1e3:9.2f}" for k in QUANTILES)
        print(f"{name:<12}{values}{row['count']:>8}  {words.get(name, '')}")
    print(
        f"{result['ticks']} periods in {result['runs']} runs, "
        f"{result['missed_share']:.2%} missed; command to motion: "
        f"{result['motion_method']}"
    )
    if result["unknown"]:
        print(result["unknown"])
    if not result["runs"]:
        print("the log holds nothing that a node measured: only the motion is known")
    if result["other_clock"]:
        print(
            f"{result['other_clock']} stamps of joint states were not of the node's "
            "clock: their age is left out, and the motion's delay holds the difference"
        )
    for name, (low, high) in result["ranges"].items():
        print(f"{name}: {low:.5f} to {high:.5f} {QUANTITIES[name].unit}")
