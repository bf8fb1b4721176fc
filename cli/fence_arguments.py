"""Arguments for what the commanded pose may not leave, shared by commands."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forearm.core.geometry import Tool, Workspace

BOUNDS = ("XMIN", "XMAX", "YMIN", "YMAX", "ZMIN", "ZMAX")


def add_fence_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--workspace``, ``--workspace-holds``, ``--clearance`` and ``--tool``."""
    parser.add_argument(
        "--workspace",
        nargs=6,
        type=float,
        metavar=BOUNDS,
        help="box in the base frame that no command may leave [m]",
    )
    parser.add_argument(
        "--workspace-holds",
        choices=("tool", "arm"),
        default="tool",
        help="what has to stay inside the box: the whole tool or every link",
    )
    parser.add_argument(
        "--clearance",
        type=_positive,
        metavar="M",
        help="least distance between two links of the arm [m]",
    )
    parser.add_argument(
        "--tool",
        nargs=2,
        type=float,
        metavar=("LENGTH", "RADIUS"),
        help="of what was mounted on the tool frame, along its z axis [m]; box and "
        "clearance keep it too",
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a distance above 0 m, got {text}")
    return value


def workspace_of(args: argparse.Namespace) -> Workspace | None:
    """Return the box that was asked for, if any.

    Raises:
        LimitError: its bounds are not finite or not in order.
    """
    if args.workspace is None:
        return None

    from forearm.core.errors import LimitError
    from forearm.core.geometry import Workspace

    bounds = args.workspace
    try:
        return Workspace(
            lower=bounds[::2], upper=bounds[1::2], holds=args.workspace_holds
        )
    except ValueError:
        raise LimitError(
            f"--workspace takes {' '.join(BOUNDS)} in m, each minimum below its "
            f"maximum; got {' '.join(map(str, bounds))}"
        ) from None


def tool_of(args: argparse.Namespace) -> Tool | None:
    """Return what was mounted on the arm, if anything.

    Raises:
        LimitError: it has no size.
    """
    if args.tool is None:
        return None

    from forearm.core.errors import LimitError
    from forearm.core.geometry import Tool

    length, radius = args.tool
    try:
        return Tool(length=length, radius=radius)
    except ValueError:
        raise LimitError(
            f"--tool takes LENGTH of at least 0 and RADIUS above 0 in m, got {length} "
            f"{radius}"
        ) from None
