"""``forearm drift``: what changed on an arm, and whether its policy still holds."""

from __future__ import annotations

import argparse
from typing import Any

from .user_robot import add_robot, named_robot


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
    found = drift([read_log(path, robot) for path in args.logs], robot, old)
    for sentence in found.sentences():
        print(f"changed   {sentence}" if found.changes else sentence)
    if args.out:
        save_params(args.out, found.result.params)
    summary: dict[str, Any] = {
        "changes": [change.as_json() for change in found.changes],
        "groups": found.groups,
        "held_out": found.result.as_json()["held_out"],
        "policy": None,
    }
    if args.policy:
        new = found.result.params.values(robot)
        for change in found.changes:
            if change.value == "payload_mass[0]":
                new["payload_mass"][0] = change.after
        summary["policy"] = _policy(args, old.values(robot), new)
    if args.json:
        write_json(args.json, summary)
    return 0


def _policy(args: argparse.Namespace, old: Any, new: Any) -> dict[str, Any]:
    from .evaluate_command import load_policy

    robot, task, act = load_policy(args.policy)
    from forearm.policies.evaluate import evaluate

    # The same episodes in both: what differs is the arm.
    before, after = (
        evaluate(robot, task, act, episodes=args.episodes, values=values)
        for values in (old, new)
    )
    low, high = after.wilson_95
    verdict = "retrain" if high < before.success else "keep"
    print(
        f"success {before.success:.2f} -> {after.success:.2f} "
        f"[{low:.2f}, {high:.2f}]: {verdict}"
    )
    return {
        "before": before.as_dict(),
        "after": after.as_dict(),
        "verdict": verdict,
    }
