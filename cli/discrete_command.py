"""``forearm discrete``: solve the lattice sub-task with Q-learning or DQN."""

from __future__ import annotations

import argparse

from .user_robot import add_robot, robot_or_default


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm discrete``."""
    parser.add_argument(
        "task", metavar="TASK", help="lattice, FrozenLake-v1 or FrozenLake8x8-v1"
    )
    parser.add_argument("--algo", default="q-learning", help="q-learning or dqn")
    add_robot(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of learning")
    parser.add_argument(
        "--budget",
        type=int,
        help="learn from so many episodes (Q-learning) or steps (DQN)",
    )
    parser.add_argument(
        "--episodes", type=int, default=1000, help="episodes of the evaluation"
    )
    parser.add_argument("--out", metavar="DIR", help="write values, result and plan")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Learn, evaluate and print success beside the optimum."""
    from forearm.core.files import write_json
    from forearm.policies.discrete import solve

    result = solve(
        args.task,
        args.algo,
        robot=robot_or_default(args),
        seed=args.seed,
        budget=args.budget,
        episodes=args.episodes,
        out=args.out,
    )
    content = result.as_json()
    low, high = content["wilson_95"]
    print(
        f"success   {content['success']:.4f} [{low:.4f}, {high:.4f}] "
        f"in {result.episodes} episodes ({result.exact:.4f} exactly)\n"
        f"optimum   {result.optimum:.4f} for discount {result.gamma:g}; "
        f"no policy exceeds {result.bound:.4f}\n"
        f"learned   in {result.seconds:.1f} s"
    )
    if args.json:
        write_json(args.json, content)
    return 0
