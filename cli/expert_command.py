"""``forearm expert``: solve a task by planning on the simulator."""

from __future__ import annotations

import argparse
from typing import Any

from .user_robot import add_robot, robot_or_default


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm expert``."""
    parser.add_argument("task", nargs="?", help="task name")
    add_robot(parser)
    parser.add_argument("--all", action="store_true", help="every robot and task")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=10_000, help="of the first episode")
    parser.add_argument("--log", metavar="DIR", help="keep the episodes as logs")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the expert's success, and a random policy's beside it."""
    from forearm.core.errors import ForearmError, LimitError
    from forearm.core.files import write_json
    from forearm.core.robots import ROBOTS
    from forearm.sim.tasks import TASKS

    if args.all == bool(args.task):
        raise ForearmError("name a task, or say --all; see forearm tasks")
    if args.episodes < 1 or args.seed < 0:
        raise LimitError("--episodes must be positive and --seed not negative")
    pairs = [(robot_or_default(args), args.task)]
    if args.all:
        pairs = [(robot, task) for robot in ROBOTS for task in TASKS]
    print(f"{'robot':<8} {'task':<11} {'expert':<24} {'random':<24} seconds")
    results = [_result(robot, task, args) for robot, task in pairs]
    if args.json:
        write_json(args.json, {"results": results} if args.all else results[0])
    return 0


def _result(
    robot_name: str, task_name: str, args: argparse.Namespace
) -> dict[str, Any]:
    import time

    from forearm.core.robots import get_robot
    from forearm.policies.evaluate import evaluate, random_policy
    from forearm.sim.baselines import task_digest
    from forearm.sim.demonstration import demonstrate, write_demonstrations
    from forearm.sim.tasks import get_task

    robot, task = get_robot(robot_name), get_task(task_name)
    start = time.monotonic()
    done = demonstrate(robot, task, episodes=args.episodes, seed=args.seed)
    seconds = time.monotonic() - start
    if args.log:
        write_demonstrations(args.log, robot, task, done)
    chance = evaluate(
        robot, task, random_policy(robot, task), episodes=100, seed=args.seed
    )
    result = {
        "robot": robot_name,
        "task": task_name,
        **done.as_dict(),
        "random": chance.as_dict(),
        "seconds": seconds,
        "digest": task_digest(robot, task),
    }
    print(
        f"{robot_name:<8} {task_name:<11} {_words(result):<24} "
        f"{_words(result['random']):<24} {seconds:.0f}",
        flush=True,
    )
    return result


def _words(result: dict[str, Any]) -> str:
    low, high = result["wilson_95"]
    return f"{result['success']:.0%} [{low:.0%}, {high:.0%}] of {result['episodes']}"
