"""``forearm deploy``: run a bundle as a ROS 2 node at a fixed rate."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from typing import TYPE_CHECKING

from .fence_arguments import add_fence_arguments, tool_of, workspace_of
from .user_robot import add_user_robot, load_user_robot

if TYPE_CHECKING:
    from forearm.core.contract import Contract
    from forearm.deploy.effort_guarding import EffortGuarding
    from forearm.deploy.guard_node import Guarding


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm deploy``."""
    parser.add_argument("bundle", help="directory of the bundle")
    add_user_robot(parser)
    parser.add_argument("--record", metavar="DIR", help="write a rosbag2 log here")
    parser.add_argument("--shadow", action="store_true", help="command nothing")
    parser.add_argument(
        "--driving",
        metavar="TOPIC",
        default="",
        help="with --shadow: the commands to compare with; the controller's by default",
    )
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="end after this time"
    )
    parser.add_argument("--wait", type=float, default=10.0, help="for the robot [s]")
    parser.add_argument("--namespace", default="", help="namespace of the arm")
    parser.add_argument("--name", default="forearm_policy", help="node name")
    parser.add_argument(
        "--backend",
        choices=("auto", "forward", "trajectory", "velocity", "effort"),
        default="auto",
        help="controller: what the contract says by default; velocity and effort get "
        "a guard",
    )
    parser.add_argument("--authority", type=float, default=1.0, help="0 to 1")
    parser.add_argument(
        "--fallback",
        action="store_true",
        help="take the authority back on trouble; always so where it starts below 1",
    )
    parser.add_argument(
        "--hold-when-shifted",
        action="store_true",
        help="stop where inputs leave the training distribution",
    )
    add_fence_arguments(parser)
    parser.add_argument("--executor", choices=("single", "events"), default="single")
    parser.add_argument("--no-realtime", action="store_true", help="normal priority")
    parser.add_argument("--sim-time", action="store_true", help="take time from /clock")
    parser.add_argument(
        "--manual", action="store_true", help="wait for lifecycle transitions"
    )
    parser.add_argument(
        "--verify-key", metavar="PUB", help="refuse what is not signed with this key"
    )
    parser.add_argument("--json", metavar="FILE", help="write the last diagnostics")


def run(args: argparse.Namespace) -> int:
    """Run the node until a signal or the time is over."""
    from forearm.core.bundle import load_bundle
    from forearm.core.files import write_json

    check(args)
    bundle = load_bundle(args.bundle, args.verify_key)
    if load_user_robot(args):
        from forearm.sim.user_robot import simulated

        simulated(bundle.contract)  # refuses a bundle of another arm
    from forearm.deploy.node import NodeOptions
    from forearm.deploy.process import RunOptions, run_node
    from forearm.deploy.recorder import recording

    node = NodeOptions(
        bundle=args.bundle,
        verify_key=args.verify_key,
        name=args.name,
        namespace=args.namespace,
        backend=args.backend,
        shadow=args.shadow,
        driving=args.driving,
        authority=args.authority,
        fallback=args.fallback,
        hold_when_shifted=args.hold_when_shifted,
        workspace=workspace_of(args),
        clearance=args.clearance,
        tool=tool_of(args),
        realtime=not args.no_realtime,
        message_info=args.executor == "single",
    )
    guard = make_guard(args, bundle.contract)
    clock = ("-p", "use_sim_time:=true") if args.sim_time else ()
    options = RunOptions(
        seconds=args.seconds,
        wait=args.wait,
        executor=args.executor,
        autostart=not args.manual,
        companion=guard.problem if guard else lambda: "",
        ros_arguments=clock,
    )
    log = recording(args.record, bundle, args.namespace, args.name)
    with log, guard or nullcontext():
        fields = run_node(node, options)
    for key in ("state", "reason", "ticks", "missed_percent", "lateness_p99_us"):
        print(f"{key}: {fields.get(key, '')}")
    if args.json:
        write_json(args.json, fields)
    return 0


def check(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        LimitError: authority is no share, or a driving topic without shadow.
    """
    from forearm.core.errors import LimitError

    if not 0 <= args.authority <= 1:
        raise LimitError(f"--authority must lie in [0, 1], got {args.authority}")
    if args.backend == "effort" and args.sim_time:
        raise LimitError("--backend effort runs in real time, without --sim-time")
    if args.driving and not args.shadow:
        raise LimitError("--driving goes with --shadow")


def make_guard(
    args: argparse.Namespace, contract: Contract
) -> Guarding | EffortGuarding | None:
    """Return the guard process of the backend that needs one."""
    if args.backend not in ("velocity", "effort") or args.shadow:
        return None
    if args.backend == "effort":
        return make_effort_guard(args, contract)
    from forearm.deploy.backends import VELOCITY, controller_of
    from forearm.deploy.guard_node import Guarding

    controller = controller_of(contract, VELOCITY)
    return Guarding(
        args.name, args.namespace, controller, contract.limits, contract.control_dt
    )


def make_effort_guard(args: argparse.Namespace, contract: Contract) -> EffortGuarding:
    """Return the guard process that makes efforts.

    Raises:
        LimitError: the arm cannot be driven by efforts.
    """
    from forearm.deploy.backends import EFFORT, controller_of
    from forearm.deploy.effort_guarding import EffortGuarding

    controller = controller_of(contract, EFFORT)
    return EffortGuarding(args.name, args.namespace, controller, contract)
