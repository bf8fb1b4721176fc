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
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print every figure."""
    from forearm.core.errors import UnknownNameError
    from forearm.core.files import write_json

    if args.kind not in KINDS:
        raise UnknownNameError("benchmark", args.kind, KINDS)
    result = importlib.import_module(KINDS[args.kind]).run()
    for name, value in result.items():
        print(
            f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}"
        )
    if args.json:
        write_json(args.json, result)
    return 0
