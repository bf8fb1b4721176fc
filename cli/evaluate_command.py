"""``forearm evaluate``: success of a policy, with its interval."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .user_robot import add_user_robot, load_user_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm evaluate``."""
    parser.add_argument("policy", help="run directory or bundle")
    add_user_robot(parser)
    parser.add_argument("--params", help="params file the simulator loads")
    parser.add_argument(
        "--plant",
        help="run a bundle on this plant instead; nominal for the robot's own",
    )
    parser.add_argument(
        "--ros", action="store_true", help="the plant over ROS 2, in real time"
    )
    parser.add_argument("--episodes", type=int, default=0, help="200, or 20 over ROS 2")
    parser.add_argument(
        "--delays",
        nargs="?",
        const="0,10,20,40,60,80",
        metavar="MS,MS,...",
        help="also with extra command delay",
    )
    parser.add_argument(
        "--write", action="store_true", help="the tolerated delay into the bundle"
    )
    parser.add_argument(
        "--sign", metavar="KEY", help="with --write: sign with this Ed25519 key"
    )
    parser.add_argument("--seed", type=int, default=10_000)
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print success with its interval."""
    import time

    from forearm.core.errors import LimitError
    from forearm.core.files import write_json

    if args.episodes < 0:
        raise LimitError(f"--episodes must be positive, got {args.episodes}")
    if args.seed < 0:
        raise LimitError(f"--seed must not be negative, got {args.seed}")
    start = time.monotonic()
    load_user_robot(args)
    if args.ros and not args.plant:
        raise LimitError("--ros needs --plant FILE, or --plant nominal")
    if args.plant and (args.params or args.delays):
        raise LimitError("--params and --delays are of the simulator, not of a plant")
    check_write(args)
    kinds = {(True, True): over_ros, (True, False): on_plant}
    result = kinds.get((bool(args.plant), args.ros), in_simulation)(args)
    result["seconds"] = time.monotonic() - start
    low, high = result["wilson_95"]
    print(
        f"success {result['success']:.1%} [{low:.1%}, {high:.1%}] "
        f"of {result['episodes']} episodes"
    )
    say_baselines(result)
    if result.get("delays"):
        say_delays(result)
    if args.write:
        write(args, result["delays"])
    if args.json:
        write_json(args.json, result)
    return 0


def check_write(args: argparse.Namespace) -> None:
    """Refuse what cannot be written now rather than after minutes."""
    from forearm.core.bundle import CONTRACT
    from forearm.core.errors import LimitError
    from forearm.core.signature import load_private_key

    if args.sign and not args.write:
        raise LimitError("--sign goes with --write")
    if not args.write:
        return
    if not args.delays or not (Path(args.policy) / CONTRACT).is_file():
        raise LimitError("--write needs a bundle and --delays MS,MS,...")
    if args.sign:
        load_private_key(args.sign)


def say_delays(result: dict[str, Any]) -> None:
    """Print success against delay and what is tolerated."""
    for point in result["delays"]:
        low, high = point["wilson_95"]
        print(
            f"  {point['delay_s'] * 1e3:3.0f} ms more delay: {point['success']:.1%} "
            f"[{low:.1%}, {high:.1%}], {point['lost']} lost and {point['gained']} "
            f"gained (p = {point['p']:.2g})"
        )
    from forearm.policies.tolerance import say_tolerated

    print(say_tolerated(result["tolerated_delay_s"], result["delays"]))


def write(args: argparse.Namespace, curve: list[dict[str, Any]]) -> None:
    """Seal the bundle anew with what it tolerates."""
    from forearm.core.bundle import CONTRACT, load_bundle
    from forearm.core.signature import SUFFIX, sign
    from forearm.policies.tolerance import write_tolerance

    bundle = load_bundle(args.policy)
    signed = (bundle.path / (CONTRACT + SUFFIX)).is_file()
    sealed = write_tolerance(bundle, curve)
    print(f"{sealed.path}: sealed anew; the node holds beyond the tolerated delay")
    if args.sign:
        print(f"signed: {sign(sealed.path / CONTRACT, args.sign)}")
    elif signed:
        print("its signature went with the old contract: sign it again (--sign KEY)")


def load_policy(path: str) -> tuple[Any, Any, Any]:
    """Return robot, task and policy of a run directory or a bundle."""
    from forearm.core.bundle import CONTRACT, load_bundle
    from forearm.policies.export import make_actor
    from forearm.policies.onnx_actor import OnnxActor
    from forearm.policies.train import load_run
    from forearm.sim.tasks import contract_task
    from forearm.sim.user_robot import simulated

    if (Path(path) / CONTRACT).is_file():
        bundle = load_bundle(path)
        robot = simulated(bundle.contract)
        return robot, contract_task(bundle.contract), OnnxActor(bundle).act
    actor, robot, task = make_actor(load_run(path))
    return robot, task, actor.act


def in_simulation(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate a run's policy or a bundle's graph in the simulator."""
    from forearm.core.params import load_params
    from forearm.policies.evaluate import evaluate
    from forearm.policies.tolerance import delay_curve, parse_delays, tolerated_delay

    delays = parse_delays(args.delays) if args.delays else []
    robot, task, act = load_policy(args.policy)
    values = load_params(args.params, robot).values(robot) if args.params else None
    rest: dict[str, Any] = {"episodes": args.episodes or 200, "values": values}
    rest["seed"] = args.seed
    result = evaluate(robot, task, act, **rest).as_dict()
    result["baselines"] = baselines(robot, task, args)
    result["delays"] = delay_curve(robot, task, act, delays, **rest)
    result["tolerated_delay_s"] = tolerated_delay(result["delays"])
    return result


def on_plant(args: argparse.Namespace) -> dict[str, Any]:
    """Run a bundle on a plant in this process, in physics time."""
    from forearm.core.bundle import load_bundle

    from .on_plant import evaluate_on_plant

    result = evaluate_on_plant(
        load_bundle(args.policy),
        plant_file(args.plant),
        episodes=args.episodes or 200,
        seed=args.seed,
    )
    return {**result.as_dict(), "delays": []}


def over_ros(args: argparse.Namespace) -> dict[str, Any]:
    """Run a bundle over ROS 2 on a plant in another process, in real time."""
    import tempfile

    from forearm.core.bundle import load_bundle

    from .rehearsal import isolate_ros, rehearse

    bundle, plant = load_bundle(args.policy), plant_file(args.plant)
    with tempfile.TemporaryDirectory(prefix="forearm-") as folder:
        isolate_ros(Path(folder))
        done = rehearse(
            bundle, args.episodes or 20, Path(folder), plant=plant, seed=args.seed
        )
    return {
        "success": done.success,
        "wilson_95": list(done.wilson_95),
        "episodes": len(done.outcomes),
        "reward_mean": done.reward_mean,
        "delays": [],
    }


def plant_file(name: str) -> str | None:
    """Return the file of ``--plant``; none for the robot's own numbers."""
    return None if name == "nominal" else name


def baselines(robot: Any, task: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Return what a random policy does here, and the expert's recorded bar."""
    from forearm.policies.evaluate import evaluate, random_policy
    from forearm.sim.baselines import find_expert

    chance = evaluate(
        robot, task, random_policy(robot, task), episodes=100, seed=args.seed
    )
    return {"random": chance.as_dict(), "expert": find_expert(robot, task)}


def say_baselines(result: dict[str, Any]) -> None:
    """Print the reward, its loopholes and the two ends of the scale."""
    if result.get("reward_mean") is not None:
        print(f"mean reward {result['reward_mean']:.1f}", end="")
        found = result.get("reward_without_success_episodes")
        # Over ROS 2 nobody looks for these: not looked for is not none.
        count = None if found is None else len(found)
        print(
            "" if count is None else f"; {count} failures with the reward of a success"
        )
        found = found or []
        for episode in found[:10]:
            print(
                f"  seed {episode['seed']}: reward {episode['reward']:.1f}, no success"
            )
    for name, known in result.get("baselines", {}).items():
        if known is None:
            print(f"{name}: not recorded for this robot and task; see forearm expert")
            continue
        low, high = known["wilson_95"]
        print(
            f"{name}: {known['success']:.1%} [{low:.1%}, {high:.1%}] "
            f"of {known['episodes']} episodes"
        )
