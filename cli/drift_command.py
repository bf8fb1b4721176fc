"""``forearm drift``: what changed on an arm, and whether its policy still holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forearm.core.robot import RobotSpec
    from forearm.sim.model import Values

from .user_robot import add_robot, named_robot

SIGNIFICANT = 0.05
"""Chance of as many lost episodes, were none due to the arm, below which a policy is
worth training again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm drift``."""
    parser.add_argument("logs", metavar="LOG", nargs="+", help="new recordings")
    parser.add_argument("--params", required=True, metavar="FILE", help="what was true")
    add_robot(parser)
    parser.add_argument("--policy", help="run directory or bundle to judge again")
    parser.add_argument("--episodes", type=int, default=200, help="for each simulator")
    parser.add_argument("--out", metavar="FILE", help="write the refitted params")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Refit, compare, and judge the policy in the old and the refitted simulator."""
    from forearm.calibration.drift import drift
    from forearm.core.errors import LimitError
    from forearm.core.files import read_model, write_json
    from forearm.core.log_io import read_log
    from forearm.core.params import Params, load_params, save_params
    from forearm.core.robots import get_robot

    if args.episodes < 1:
        raise LimitError(f"--episodes must be positive, got {args.episodes}")
    robot = get_robot(named_robot(args) or read_model(args.params, Params).robot)
    old = load_params(args.params, robot)
    policy = _load(args.policy, robot) if args.policy else None
    found = drift([read_log(path, robot) for path in args.logs], robot, old)
    for sentence in found.sentences():
        print(f"changed   {sentence}" if found.changes else sentence)
    if found.changes or found.untold:
        print(f"groups    {found.said_of_groups()}")
    if args.out:
        save_params(args.out, found.result.params)
    summary: dict[str, Any] = {
        "changes": [change.as_json() for change in found.changes],
        "groups": found.groups,
        "unknown": list(found.untold),
        "held_out": found.result.as_json()["held_out"],
        "policy": None,
    }
    if policy is not None:
        values = found.values(robot, old)
        summary["policy"] = _judge(policy, args.episodes, old.values(robot), values)
    if args.json:
        write_json(args.json, summary)
    return 0


def _load(path: str, robot: RobotSpec) -> tuple[RobotSpec, Any, Any]:
    """Return robot, task and policy, before a long fit finds out they do not fit."""
    from forearm.core.errors import MismatchError

    from .evaluate_command import load_policy

    found, task, act = load_policy(path)
    if found.arm.joint_names != robot.arm.joint_names:
        raise MismatchError(
            "robot of the policy",
            found.name,
            robot.name,
            "give the policy of the arm in the log",
        )
    return found, task, act


def _judge(policy: Any, episodes: int, old: Values, new: Values) -> dict[str, Any]:
    """Run the same episodes in both simulators and say whether to train again."""
    from forearm.core.statistics import chance_of_losses
    from forearm.policies.evaluate import evaluate

    robot, task, act = policy
    # The same episodes in both: what differs is the arm.
    before, after = (
        evaluate(robot, task, act, episodes=episodes, values=values)
        for values in (old, new)
    )
    low, high = after.wilson_95
    pairs = list(zip(before.outcomes, after.outcomes, strict=True))
    lost, gained = pairs.count((True, False)), pairs.count((False, True))
    chance = chance_of_losses(lost, gained)
    verdict = "retrain" if chance < SIGNIFICANT else "keep"
    print(
        f"success {before.success:.2f} -> {after.success:.2f} "
        f"[{low:.2f}, {high:.2f}]: {verdict} ({lost} episodes lost, {gained} gained)"
    )
    return {
        "before": before.as_dict(),
        "after": after.as_dict(),
        "lost": lost,
        "gained": gained,
        "p": chance,
        "verdict": verdict,
    }
