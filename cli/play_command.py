"""``forearm play``: a policy's episodes as a video, drawn off-screen."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .user_robot import add_user_robot, load_user_robot

if TYPE_CHECKING:
    from forearm.sim.film import Film, Picture


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm play``."""
    parser.add_argument("policy", help="run directory or bundle")
    add_user_robot(parser)
    parser.add_argument("--video", required=True, metavar="FILE", help="an .mp4")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first episode")
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(640, 480),
        metavar=("WIDTH", "HEIGHT"),
        help="of the pictures, in pixels",
    )
    parser.add_argument("--params", help="params file the simulator loads")
    parser.add_argument(
        "--plant",
        help="film a bundle on this plant instead; nominal for the robot's own",
    )


def run(args: argparse.Namespace) -> int:
    """Film the episodes, one picture per control period, and say how they ended."""
    need_graphics()
    from forearm.core.errors import LimitError
    from forearm.core.params import load_params
    from forearm.sim.film import Film, check_name, check_size, write_video
    from forearm.sim.loop import ArmLoop

    from .evaluate_command import load_policy

    if args.episodes < 1 or args.seed < 0:
        raise LimitError("--episodes must be positive and --seed not negative")
    check_name(args.video)
    size = check_size(tuple(args.size))
    load_user_robot(args)
    outcomes: dict[int, bool] = {}
    if args.plant:
        if args.params:
            raise LimitError("--params is of the simulator, not of a plant")
        count, period = _film_plant(args, size, outcomes)
        return _report(args, outcomes, count, period)
    robot, task, act = load_policy(args.policy)
    values = load_params(args.params, robot).values(robot) if args.params else None
    loop = ArmLoop(robot, task, 1, values=values, nthread=1)
    with Film(loop.robot, loop.task.hook(), size) as film:
        pictures = film_episodes(film, loop, act, args, outcomes)
        count = write_video(args.video, pictures, 1.0 / task.control_dt)
    return _report(args, outcomes, count, task.control_dt)


def _report(
    args: argparse.Namespace, outcomes: dict[int, bool], count: int, period: float
) -> int:
    for seed, success in outcomes.items():
        print(f"seed {seed}: {'success' if success else 'no success'}")
    print(f"{Path(args.video)}: {count} pictures, {count * period:.1f} s")
    return 0


def _film_plant(
    args: argparse.Namespace, size: tuple[int, int], outcomes: dict[int, bool]
) -> tuple[int, float]:
    from forearm.core.bundle import load_bundle
    from forearm.sim.film import Film, write_video

    from .evaluate_command import plant_file
    from .on_plant import plant_episodes

    arm = plant_episodes(load_bundle(args.policy), plant_file(args.plant))
    period = arm.task.control_dt
    with Film(arm.robot, arm.task.hook(), size) as film:

        def pictures() -> Iterator[Picture]:
            for seed in range(args.seed, args.seed + args.episodes):
                for plant, _, success in arm.periods(seed):
                    told = {n: v[0] for n, v in arm.task.sensors().items()}
                    data = plant.data
                    mocap = (data.mocap_pos, data.mocap_quat)
                    yield film.picture(data.qpos, told, mocap)
                    outcomes[seed] = success

        return write_video(args.video, pictures(), 1.0 / period), period


def need_graphics() -> None:
    """Choose EGL unless the user chose a backend, before MuJoCo is imported.

    Raises:
        GraphicsError: the backend's library is missing: MuJoCo itself fails then.
    """
    from forearm.core.errors import GraphicsError

    os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        import mujoco  # noqa: F401
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise GraphicsError(os.environ["MUJOCO_GL"], error) from error


def film_episodes(
    film: Film,
    loop: Any,
    act: Any,
    args: argparse.Namespace,
    outcomes: dict[int, bool],
) -> Iterator[Picture]:
    """Yield a picture at the start of each control period; note how episodes end."""
    batch = loop.batch.batch
    qpos = batch.bind("qpos")
    fixtures = film.model.nmocap > 0
    for seed in range(args.seed, args.seed + args.episodes):
        loop.seed([seed])
        observation = loop.reset()
        for _ in range(loop.task.steps):
            target = {name: value[0] for name, value in loop.task.sensors().items()}
            mocap = None
            if fixtures:
                mocap = (batch.bind("mocap_pos")[0], batch.bind("mocap_quat")[0])
            yield film.picture(qpos[0], target, mocap)
            step = loop.step_command(act(loop.sensors, observation))
            observation = step.observation
            outcomes[seed] = bool(step.success[0])
