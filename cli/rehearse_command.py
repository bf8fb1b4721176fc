"""``forearm rehearse``: does calibration bring a policy back on an arm that differs?"""

from __future__ import annotations

import argparse

from .user_robot import add_robot, robot_or_default


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm rehearse``."""
    add_robot(parser)
    parser.add_argument("--task", default="reach", help="task, see forearm tasks")
    parser.add_argument("--plant", required=True, help="file of the arm that differs")
    parser.add_argument("--out", default="runs/rehearse", help="folder to create")
    parser.add_argument("--algo", default="ppo", help="ppo or sac")
    parser.add_argument("--steps", type=int, default=0, help="control steps a training")
    parser.add_argument("--randomization", default="light")
    parser.add_argument("--episodes", type=int, default=200, help="of each evaluation")
    parser.add_argument(
        "--record", type=int, default=20, help="episodes over ROS 2 that are recorded"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Rehearse and print the three success rates and the gap closed."""
    from pathlib import Path

    from forearm.core.errors import FileError, LimitError
    from forearm.core.files import write_json
    from forearm.core.robots import get_robot
    from forearm.policies.config import TrainConfig
    from forearm.sim.plant_spec import load_plant
    from forearm.sim.tasks import get_task

    from .gap import Gap

    if args.episodes < 1 or args.record < 1:
        raise LimitError("--episodes and --record must be at least 1")
    robot = get_robot(robot_or_default(args))
    get_task(args.task)
    load_plant(args.plant).values(robot, Path(args.plant).parent)
    out = Path(args.out)
    if out.exists():
        raise FileError(out, "exists already", "choose another --out")
    config = TrainConfig(
        task=args.task,
        robot=robot.name,
        algo=args.algo,
        steps=args.steps,
        seed=args.seed,
        randomization=args.randomization,
    )
    gap = Gap(config, args.plant, out, episodes=args.episodes, record=args.record)
    result = gap.run()
    closed = result["gap_closed"]
    print(
        "gap closed: none to close"
        if closed is None
        else f"gap closed: {closed:.0%} from {result['log_seconds']:.0f} s of log"
    )
    write_json(out / "rehearse.json", result)
    if args.json:
        write_json(args.json, result)
    return 0
