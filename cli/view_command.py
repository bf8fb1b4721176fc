"""``forearm view``: one arm live in the browser, its parameters under sliders."""

from __future__ import annotations

import argparse

from .user_robot import add_robot, named_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm view``."""
    parser.add_argument("task", nargs="?", help="task name, reach by default")
    add_robot(parser)
    parser.add_argument("--policy", help="run directory or bundle that commands it")
    parser.add_argument(
        "--randomization", default="harsh", help="preset or file: what gets a slider"
    )
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--seed", type=int, default=10_000, help="of the first episode")


def run(args: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    import threading

    from forearm.core.errors import LimitError, MismatchError
    from forearm.core.robots import DEFAULT_ROBOT, get_robot
    from forearm.sim.randomization import get_randomization
    from forearm.sim.tasks import get_task
    from forearm.sim.view import Viewer

    from .evaluate_command import load_policy

    if not 1 <= args.port <= 65_535 or args.seed < 0:
        raise LimitError("--port must lie in [1, 65535] and --seed not be negative")
    act, own = None, named_robot(args)
    if args.policy:
        robot, task, act = load_policy(args.policy)
        for what, got, made in (
            ("robot", own, robot.name),
            ("task", args.task, task.name),
        ):
            if got not in (None, made):
                raise MismatchError(f"{what} of the policy", made, got)
    else:
        robot = get_robot(own or DEFAULT_ROBOT)
        task = get_task(args.task or "reach")
    viewer = Viewer(
        robot,
        task,
        policy=act,
        randomization=get_randomization(args.randomization, robot),
        port=args.port,
        seed=args.seed,
    )
    print(f"{viewer.url} shows {robot.name} on {task.name}; Ctrl-C ends", flush=True)
    viewer.run(threading.Event())
    return 0
