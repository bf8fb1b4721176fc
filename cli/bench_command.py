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

PAGES = {
    "control": "forearm.deploy.bench_report",
    "calibration": "forearm.calibration.bench",
}
"""Module whose ``markdown()`` makes a page of a result."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm bench``."""
    parser.add_argument("kind", help=", ".join(KINDS))
    parser.add_argument("--task", default="reach", help="task of the sim benchmark")
    parser.add_argument("--robot", default="ur5e", help="arm of sim and control")
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
        "--markdown",
        metavar="FILE",
        help="write what is printed as a page",
    )
    parser.add_argument("--only", metavar="CASE", help="calibration: this case alone")
    parser.add_argument(
        "--plants",
        type=int,
        default=50,
        metavar="N",
        help="calibration: plants of the case hidden_plants",
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print every figure."""
    from forearm.core.errors import UnknownNameError
    from forearm.core.files import write_atomic, write_json

    if args.kind not in KINDS:
        raise UnknownNameError("benchmark", args.kind, KINDS)
    options: dict[str, dict[str, object]] = {
        "control": {"soak": args.soak, "robot": args.robot},
        "calibration": {"only": args.only, "plants": args.plants},
        "sim": {"task": args.task, "robot": args.robot},
    }
    chosen = options[args.kind]
    if args.kind == "control":
        from forearm.core.robots import get_robot
        from forearm.sim.geometry import arm_geometry

        chosen["geometry"] = arm_geometry(get_robot(args.robot))
    result = importlib.import_module(KINDS[args.kind]).run(**chosen)
    page = _page(args.kind, result)
    print(page, end="")
    if args.json:
        write_json(args.json, result)
    if args.markdown:
        write_atomic(args.markdown, page)
    return 0


def _page(kind: str, result: dict[str, object]) -> str:
    """Return the result as text: the page of its kind, or a line for each figure."""
    if kind in PAGES:
        page: str = importlib.import_module(PAGES[kind]).markdown(result)
        return page
    return "".join(
        f"{name}: {value:.4g}\n" if isinstance(value, float) else f"{name}: {value}\n"
        for name, value in result.items()
    )
