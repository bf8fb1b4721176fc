"""``forearm excite``: plan a motion that tells most about an arm, or play one."""

from __future__ import annotations

import argparse
from pathlib import Path

from .user_robot import add_robot, required_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm excite``."""
    add_robot(parser)
    parser.add_argument("--out", metavar="TRAJ", help="trajectory file to write")
    parser.add_argument("--play", metavar="TRAJ", help="trajectory file to play")
    parser.add_argument("--params", metavar="FILE", help="what is expected of the arm")
    parser.add_argument(
        "--parameters", help="comma-separated; what calibrate fits by default"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length")
    parser.add_argument("--evaluations", type=int, default=300, help="motions tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--box",
        metavar="X0,X1,Y0,Y1,Z0,Z1",
        help="where the tool may be, base frame [m]",
    )
    parser.add_argument(
        "--speed", type=float, default=0.6, help="part of the velocity limit"
    )
    parser.add_argument("--record", metavar="DIR", help="record while playing")
    parser.add_argument("--namespace", default="", help="namespace of the arm")
    parser.add_argument("--json", metavar="FILE", help="write the prediction")


def run(args: argparse.Namespace) -> int:
    """Plan or play."""
    from forearm.core.errors import LimitError

    if bool(args.out) == bool(args.play):
        raise LimitError("give either --out TRAJ to plan or --play TRAJ to play")
    return _play(args) if args.play else _plan(args)


def _plan(args: argparse.Namespace) -> int:
    import dataclasses

    import numpy as np

    from forearm.calibration.excite import Planner
    from forearm.calibration.information import DEFAULT
    from forearm.calibration.path_check import PathLimits
    from forearm.core.errors import LimitError
    from forearm.core.files import write_json
    from forearm.core.motion import save_motion
    from forearm.core.params import load_params
    from forearm.core.robots import get_robot

    if args.evaluations < 1 or args.seed < 0:
        raise LimitError("--evaluations must be positive and --seed not negative")
    robot = get_robot(required_robot(args))
    values = load_params(args.params, robot).values(robot) if args.params else None
    limits = PathLimits(velocity=args.speed)
    if args.box:
        limits = dataclasses.replace(limits, box=_box(args.box))
    planner = Planner(
        robot,
        values,
        args.parameters.split(",") if args.parameters else DEFAULT,
        seconds=args.seconds,
        limits=limits,
    )
    rng = np.random.default_rng(args.seed)
    plan = planner.optimize(rng, args.evaluations)
    save_motion(args.out, plan.as_motion(seed=args.seed, speed=args.speed))
    print("value                predicted 90 % interval   without the motion")
    rows = list(zip(plan.names, plan.widths, plan.prior, strict=True))
    for name, width, prior in rows:
        print(f"{name:<20} +-{width:<22.4g} +-{prior:.4g}")
    print(f"{plan.time[-1]:.1f} s, starts and ends at rest at home -> {args.out}")
    if args.json:
        widths = {n: {"half_width_90": w, "prior": p} for n, w, p in rows}
        write_json(args.json, {"out": args.out, "score": plan.score, "values": widths})
    return 0


def _box(
    text: str,
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    from forearm.core.errors import LimitError

    try:
        a, b, c, d, e, f = (float(part) for part in text.split(","))
    except ValueError as error:
        raise LimitError(f"--box needs six numbers, got {text!r}") from error
    return (a, b), (c, d), (e, f)


def _play(args: argparse.Namespace) -> int:
    from forearm.core.errors import FileError
    from forearm.core.motion import load_motion
    from forearm.core.robots import get_robot
    from forearm.core.ros import check_environment

    robot = get_robot(required_robot(args))
    motion = load_motion(args.play, robot)
    record = Path(args.record) if args.record else None
    if record is not None and record.exists():
        raise FileError(record, "exists already", "choose another name for the log")
    check_environment()
    from forearm.deploy.motion_node import PlayOptions, play

    worst = play(robot, motion, PlayOptions(namespace=args.namespace, record=record))
    print(f"played {motion.time[-1]:.1f} s, at most {worst:.3f} rad off")
    if record is not None:
        print(f"log {record}")
    return 0
