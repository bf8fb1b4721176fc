"""``forearm plant``: run a simulated arm as a ROS 2 node."""

from __future__ import annotations

import argparse

from .user_robot import add_robot, required_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm plant``."""
    add_robot(parser)
    parser.add_argument(
        "--plant", metavar="FILE", help="what the arm hides, plant.yaml"
    )
    parser.add_argument(
        "--task", help="with this task's tool, objects, goal, reset and verdict"
    )
    parser.add_argument(
        "--seed", type=int, default=10_000, help="of the task's first episode"
    )
    parser.add_argument("--namespace", default="", help="namespace of its topics")
    parser.add_argument("--rate", type=float, default=250.0, help="joint states [Hz]")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="simulated over real time; other than 1 publishes /clock",
    )
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="end after this time; 0 for never"
    )
    parser.add_argument(
        "--command-timeout",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="silence after which velocity and effort controllers stop; 0 for never",
    )


def run(args: argparse.Namespace) -> int:
    """Run the plant until a signal."""
    from forearm.core.errors import LimitError
    from forearm.sim.plant_node import PlantOptions, run_plant

    if not (args.rate > 0 and args.speed > 0):
        raise LimitError("--rate and --speed must be positive")
    if args.seed < 0:
        raise LimitError(f"--seed must not be negative, got {args.seed}")
    options = PlantOptions(
        robot=required_robot(args),
        plant=args.plant,
        namespace=args.namespace,
        rate=args.rate,
        speed=args.speed,
        seconds=args.seconds,
        command_timeout=args.command_timeout,
        task=args.task,
        seed=args.seed,
    )
    run_plant(options)
    return 0
