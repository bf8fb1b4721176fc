"""``forearm audit``: prove that a randomization changes what it says."""

from __future__ import annotations

import argparse

from .user_robot import add_robot, robot_or_default


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm audit``."""
    parser.add_argument("task", help="task, see forearm tasks")
    add_robot(parser)
    parser.add_argument("--randomization", default="light", help="preset or YAML file")
    parser.add_argument("--params", help="params file the simulator loads")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Check every term, print what was found; exit status 2 if one fails."""
    from forearm.core.files import write_json
    from forearm.core.params import load_params
    from forearm.core.robots import get_robot
    from forearm.sim.audit import audit
    from forearm.sim.randomization import get_randomization
    from forearm.sim.tasks import get_task

    robot = get_robot(robot_or_default(args))
    values = load_params(args.params, robot).values(robot) if args.params else None
    result = audit(
        robot,
        get_task(args.task),
        get_randomization(args.randomization, robot),
        values=values,
    )
    for term in result.terms:
        low, high = term.seen
        print(
            f"{term.name:18} {term.declared:32} {low:9.4g} to {high:9.4g}  "
            f"moves {1e3 * term.moved:8.3g} mrad  {'FAILS' if term.failures else 'ok'}"
        )
        for failure in term.failures:
            print(f"    {failure}")
    if args.json:
        write_json(args.json, result.as_dict())
    result.require()
    print(f"{len(result.terms)} terms change what they say on {robot.name}")
    return 0
