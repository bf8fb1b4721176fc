"""The part of ``forearm calibrate`` for logs with torque or current only."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forearm.calibration.effort import EffortResult
    from forearm.core.log import RunLog
    from forearm.core.robot import RobotSpec

Reader = Callable[[str], "RunLog"]
"""Reads one log named on the command line."""


def regress(
    args: argparse.Namespace, robot: RobotSpec, logs: list[RunLog], read: Reader
) -> int:
    """Fit to efforts, write what was asked for and print what was found."""
    import numpy as np

    from forearm.calibration.effort import calibrate_effort
    from forearm.calibration.effort_envelope import effort_envelope
    from forearm.calibration.effort_report import write_effort_report
    from forearm.calibration.mjcf import write_mjcf
    from forearm.calibration.natural import natural_values
    from forearm.core.errors import ForearmError
    from forearm.core.files import write_json
    from forearm.core.params import save_params

    from .calibrate_command import write_randomization

    if (args.loaded is None) != (args.known_payload is None):
        raise ForearmError("--loaded LOG and --known-payload KG belong together")
    held = [read(text) for text in args.holdout_logs]
    result = calibrate_effort(logs, robot, held, args.holdout)
    result, loads = _weigh(args, result, read)
    save_params(args.out, result.params)
    envelope = effort_envelope(result, np.random.default_rng(0))
    if args.report:
        write_effort_report(args.report, result, envelope, loads)
    if args.randomization:
        write_randomization(args, robot, result.params)
    if args.mjcf:
        write_mjcf(args.mjcf, robot, natural_values(robot, result.native))
    if args.json:
        content = {**result.as_json(), "params_file": str(args.out), "loads": loads}
        content["envelope"] = envelope.as_json()
        write_json(args.json, content)
    _tell(args, result)
    return 0


def _weigh(
    args: argparse.Namespace, result: EffortResult, read: Reader
) -> tuple[EffortResult, list[dict[str, Any]]]:
    """Return the fit in a known load's scale, and every load that was weighed."""
    from forearm.calibration.motion import motion_of
    from forearm.calibration.payload import weigh
    from forearm.calibration.scale import scaled

    def load_of(text: str, **more: Any) -> Any:
        motion = motion_of(read(text), result.chain, result.choice.half)
        return weigh(result.model, result.chain, motion, **more)

    known, out = None, []
    if args.loaded:
        known = load_of(args.loaded, mass=args.known_payload)
        out.append({"known": True, **known.as_json()})
        gains = ", ".join(f"{g:.2f}" for g in known.gain)
        print(f"gains     {gains} Nm per unit of effort, scaled by {args.loaded}")
    for text in args.weigh:
        load = load_of(text, gains=known)
        low, high = load.interval
        print(f"load      {load.mass:.3f} kg [{low:.3f}, {high:.3f}] in {text}")
        out.append({"known": False, **load.as_json()})
    return scaled(result, known) if known else result, out


def _tell(args: argparse.Namespace, result: EffortResult) -> None:
    table = result.as_json()["held_out"]
    print(
        f"held out  {table['before']:.2f} % nominal, {table['after']:.2f} % "
        f"calibrated, {table['native']:.2f} % in plain MuJoCo (of the effort, moving)"
    )
    for name, row in table["per_joint"].items():
        print(f"joint     {name}: {row['before']:.1f} -> {row['after']:.1f} %")
    for finding in result.findings:
        print(f"finding   {finding}")
    for sentence in result.unidentifiable:
        print(f"unknown   {sentence}")
    print(f"params    {args.out} in {result.seconds:.1f} s")
