"""``forearm demo``: the whole loop in minutes on a CPU, ends with a report."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm demo``."""
    parser.add_argument("--out", default="runs/demo", help="folder to write")
    parser.add_argument(
        "--steps", type=int, default=2_000_000, help="control steps of training"
    )
    parser.add_argument(
        "--episodes", type=int, default=20, help="over ROS 2, per plant"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    """Run the loop and print where the report is."""
    import shutil

    from forearm.core.errors import FileError, LimitError

    from .demo import Demo

    if args.episodes < 1 or args.steps < 1:
        raise LimitError("--episodes and --steps must be positive")
    out = Path(args.out)
    if out.exists():
        if not (out / Demo.MARK).is_file():
            raise FileError(out, "exists and is not a demo", "choose another --out")
        shutil.rmtree(out)
    demo = Demo(out, args.steps, args.episodes, args.seed)
    report = demo.run()
    print(f"report: {report}")
    return 0
