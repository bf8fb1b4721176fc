"""``forearm export``: turn a training run into a bundle for the robot."""

from __future__ import annotations

import argparse

from .fence_arguments import add_fence_arguments, tool_of, workspace_of
from .user_robot import add_user_robot, load_user_robot


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm export``."""
    parser.add_argument("run", help="run directory of forearm train")
    add_user_robot(parser)
    parser.add_argument("--out", required=True, help="bundle directory to write")
    parser.add_argument("--episodes", type=int, default=200, help="for the evaluation")
    add_fence_arguments(parser)
    parser.add_argument("--sign", metavar="KEY", help="sign with this Ed25519 key")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Export, prove parity and print it."""
    from forearm.core.bundle import CONTRACT
    from forearm.core.files import write_json
    from forearm.core.signature import load_private_key, sign
    from forearm.policies.export import export
    from forearm.policies.tolerance import say_tolerated
    from forearm.policies.train import load_run

    load_user_robot(args)
    if args.sign:
        load_private_key(args.sign)  # refused now rather than after minutes
    result = export(
        load_run(args.run),
        args.out,
        episodes=args.episodes,
        workspace=workspace_of(args),
        clearance=args.clearance,
        tool=tool_of(args),
    )
    parity, contract = result.parity, result.bundle.contract
    print(
        f"{result.bundle.path}: ONNX equals torch within {parity.max_abs:.1e} rad over "
        f"{parity.inputs} inputs and {parity.episodes} episodes"
    )
    delays = contract.evaluation.delays if contract.evaluation else []
    print(say_tolerated(contract.latency.tolerated, delays))
    if args.sign:
        print(f"signed: {sign(result.bundle.path / CONTRACT, args.sign)}")
    if args.json:
        write_json(
            args.json,
            {
                "parity_max_abs": parity.max_abs,
                "inputs": {i.name: i.size for i in contract.inputs},
                "output": contract.output.name,
                "tolerated_delay_s": contract.latency.tolerated,
                "sha256": contract.sha256,
            },
        )
    return 0
