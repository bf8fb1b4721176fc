"""``forearm bench``: measure speed, in one run, as ratios."""

from __future__ import annotations

import argparse
import importlib

KINDS = {
    "sim": "forearm.policies.sim_bench",
    "control": "forearm.deploy.bench",
    "calibration": "forearm.calibration.bench",
}
"""Module whose ``run()`` measures each kind."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm bench``."""
    parser.add_argument("kind", help=", ".join(KINDS))
    parser.add_argument("--task", default="reach", help="task of the sim benchmark")
    parser.add_argument("--robot", default="ur5e", help="arm of the sim benchmark")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")
    parser.add_argument(
        "--soak",
        type=float,
        nargs="?",
        const=600.0,
        default=0.0,
        metavar="SECONDS",
        help="control: also watch the memory of a long run, ten minutes",
    )
    parser.add_argument(
        "--markdown", metavar="FILE", help="control: write the result as a page"
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print every figure."""
    from forearm.core.errors import UnknownNameError
    from forearm.core.files import write_atomic, write_json

    if args.kind not in KINDS:
        raise UnknownNameError("benchmark", args.kind, KINDS)
    options: dict[str, dict[str, object]] = {
        "control": {"soak": args.soak},
        "sim": {"task": args.task, "robot": args.robot},
    }
    chosen = options.get(args.kind, {})
    result = importlib.import_module(KINDS[args.kind]).run(**chosen)
    for name, value in result.items():
        print(
            f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}"
        )
    if args.json:
        write_json(args.json, result)
    if args.markdown and args.kind == "control":
        from forearm.deploy.bench_report import markdown

        write_atomic(args.markdown, markdown(result))
    return 0
