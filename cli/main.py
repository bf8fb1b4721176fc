"""The ``forearm`` command: one module per sub-command, imported when it is used."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from forearm import __version__
from forearm.core.errors import ForearmError, UnknownNameError

COMMANDS: dict[str, str] = {
    "demo": "the whole loop in minutes on a CPU, ends with a report",
    "robots": "list the arms there are",
    "tasks": "list the tasks there are",
    "train": "train a policy in simulation",
    "audit": "prove that a randomization changes what it says",
    "evaluate": "success of a policy, with its interval",
    "expert": "solve a task by planning on the simulator; the bar for policies",
    "play": "film a policy's episodes",
    "view": "an arm live in the browser, its parameters under sliders",
    "export": "turn a training run into a bundle for the robot",
    "inspect": "say in words what a bundle senses and commands",
    "discrete": "solve the lattice sub-task with Q-learning or DQN",
    "plant": "run a simulated arm as a ROS 2 node",
    "deploy": "run a bundle as a ROS 2 node at a fixed rate",
    "bringup": "start plant or driver, node and recorder from one file",
    "log": "look into, convert or repair a recorded log",
    "latency": "delays that a log measured, and their randomization",
    "excite": "plan a motion that identifies an arm, or play and record it",
    "drift": "say what changed on an arm since it was calibrated",
    "calibrate": "fit the simulator to recorded logs",
    "rehearse": "measure how much calibration regains on an arm that differs",
    "bench": "measure: sim, control, calibration",
}
"""Every sub-command and what it does; ``cli/<name>.py`` holds its arguments."""


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only ``command`` gets its arguments filled in."""
    parser = argparse.ArgumentParser(
        prog="forearm",
        description="A robot arm from simulation to the real machine and back.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary)
        if name == command:
            module = importlib.import_module(f"forearm.cli.{name}_command")
            module.configure(sub)
            sub.set_defaults(handler=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``forearm``; returns the exit status, 2 for a user's mistake."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        if command is not None and command not in COMMANDS:
            raise UnknownNameError("command", command, COMMANDS)
        parser = build_parser(command)
        args = parser.parse_args(arguments)
        if args.command is None:
            parser.print_help()
            return 0
        return int(args.handler(args) or 0)
    except ForearmError as error:
        print(f"forearm: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "forearm":
            raise
        print(
            f"forearm: this command needs the package {error.name!r}, which is not "
            "installed; see 'Install' in the README for the extra that holds it",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("forearm: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        print(f"forearm: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
