"""``forearm export``: turn a training run into a bundle for the robot."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm export``."""
    parser.add_argument("run", help="run directory of forearm train")
    parser.add_argument("--out", required=True, help="bundle directory to write")
    parser.add_argument("--episodes", type=int, default=200, help="for the evaluation")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Export, prove parity and print it."""
    from forearm.core.files import write_json
    from forearm.policies.export import export
    from forearm.policies.train import load_run

    result = export(load_run(args.run), args.out, episodes=args.episodes)
    parity, contract = result.parity, result.bundle.contract
    print(
        f"{result.bundle.path}: ONNX equals torch within {parity.max_abs:.1e} rad over "
        f"{parity.inputs} inputs and {parity.episodes} episodes"
    )
    if args.json:
        write_json(
            args.json,
            {
                "parity_max_abs": parity.max_abs,
                "inputs": {i.name: i.size for i in contract.inputs},
                "output": contract.output.name,
                "sha256": contract.sha256,
            },
        )
    return 0
