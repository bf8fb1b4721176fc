"""``forearm train``: train a policy in simulation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .fence_arguments import BOUNDS
from .user_robot import add_robot, robot_or_default

if TYPE_CHECKING:
    from forearm.policies.config import TrainConfig


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm train``."""
    parser.add_argument("task", nargs="?", help="task, see forearm tasks")
    parser.add_argument(
        "--resume", metavar="DIR", help="go on with the interrupted run in DIR"
    )
    add_robot(parser)
    parser.add_argument("--algo", default="ppo", help="ppo or sac")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0, help="control steps")
    parser.add_argument("--envs", type=int, default=0, help="simulations in parallel")
    parser.add_argument(
        "--randomization",
        default="light",
        help="preset or YAML file",
    )
    parser.add_argument(
        "--widen",
        action="store_true",
        help="start with a tenth of the randomization and widen it with success",
    )
    parser.add_argument(
        "--goal-box",
        nargs=6,
        type=float,
        metavar=BOUNDS,
        help="where targets may lie, in the base frame [m]",
    )
    parser.add_argument("--params", help="params file the simulator loads")
    parser.add_argument("--out", help="run directory")
    parser.add_argument("--episodes", type=int, default=200, help="for the evaluation")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Train, evaluate and print success with its interval."""
    from forearm.core.errors import ForearmError
    from forearm.core.files import write_json
    from forearm.policies.evaluate import evaluate
    from forearm.policies.export import make_actor
    from forearm.policies.train import resume, train

    if (args.task is None) == (args.resume is None):
        raise ForearmError(
            "forearm train needs either a task (see forearm tasks) or --resume DIR"
        )
    robot_name = robot_or_default(args)
    finished = resume(args.resume) if args.resume else train(_config(args, robot_name))
    actor, robot, task = make_actor(finished)
    result = evaluate(
        robot, task, actor.act, episodes=args.episodes, values=finished.values()
    )
    low, high = result.wilson_95
    print(
        f"success {result.success:.1%} [{low:.1%}, {high:.1%}] of {result.episodes} "
        f"episodes after {finished.record['env_steps']:,} steps in "
        f"{finished.record['seconds']:.0f} s -> {finished.path}"
    )
    share = finished.record["randomization_share"]
    if finished.config.widen:
        print(f"randomization in use: {share:.0%} of {finished.config.randomization}")
    if args.json:
        summary = {
            **result.as_dict(),
            "env_steps": finished.record["env_steps"],
            "seconds": finished.record["seconds"],
            "randomization_share": share,
            "run_dir": str(finished.path),
        }
        write_json(args.json, summary)
    return 0


def _config(args: argparse.Namespace, robot: str) -> TrainConfig:
    from forearm.policies.config import TrainConfig

    return TrainConfig(
        task=args.task,
        robot=robot,
        algo=args.algo,
        seed=args.seed,
        steps=args.steps,
        envs=args.envs,
        randomization=args.randomization,
        goal_box=args.goal_box,
        widen=args.widen,
        params=args.params,
        out=args.out or f"runs/{args.task}-{robot}-{args.algo}-{args.seed}",
    )
