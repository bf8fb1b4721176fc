"""``forearm inspect``: say in words what a bundle senses and commands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forearm.core.contract import Contract

SHORTEST, LONGEST = 0.5, 600.0
"""Range of ``--seconds`` [s]: a rate needs some periods, memory has an end."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm inspect``."""
    parser.add_argument("bundle", help="directory of the bundle")
    parser.add_argument(
        "--verify-key", metavar="PUB", help="refuse what is not signed with this key"
    )
    parser.add_argument(
        "--against-live",
        action="store_true",
        help="compare with the running robot; sends nothing, ends with 2 on a mismatch",
    )
    parser.add_argument("--namespace", help="of the running robot")
    parser.add_argument("--seconds", type=float, help="to watch it, 3 by default")
    parser.add_argument(
        "--json", metavar="FILE", help="write the contract, or what was compared"
    )


def run(args: argparse.Namespace) -> int:
    """Verify a bundle, its graph and its self-test, and print its contract."""
    from forearm.core.bundle import load_bundle
    from forearm.core.errors import ForearmError, LimitError
    from forearm.core.files import write_json
    from forearm.deploy.inspect import words
    from forearm.deploy.onnx_policy import OnnxPolicy

    seconds = 3.0 if args.seconds is None else args.seconds
    if not args.against_live and (args.namespace or args.seconds is not None):
        raise ForearmError("--namespace and --seconds go with --against-live")
    if not SHORTEST <= seconds <= LONGEST:
        raise LimitError(
            f"--seconds must lie in [{SHORTEST}, {LONGEST:g}], got {seconds}"
        )
    bundle = load_bundle(args.bundle, args.verify_key)
    OnnxPolicy(bundle)
    if args.against_live:
        return compare(bundle.contract, args.namespace or "", seconds, args.json)
    print("\n".join(words(bundle.contract)))
    print("hashes, graph and self-test: in order")
    if args.json:
        write_json(args.json, bundle.contract)
    return 0


def compare(
    contract: Contract, namespace: str, seconds: float, json: str | None
) -> int:
    """Print how the running robot differs, a line each; returns 2 on a mismatch."""
    from forearm.core.files import write_json
    from forearm.deploy.live_lint import as_json, lint, sliding
    from forearm.deploy.live_ros import watch_live

    live = watch_live(contract, namespace, seconds)
    findings = lint(contract, live, sliding(contract.arm))
    for finding in findings:
        kind = "mismatch" if finding.mismatch else "note"
        print(f"{kind}: {finding.what}: {finding.text}")
    wrong = sum(finding.mismatch for finding in findings)
    print(
        f"{len(live.heard)} joint states in {seconds:g} s on {live.topic}: "
        + (f"{wrong} mismatches" if wrong else "robot and contract agree")
    )
    if json:
        write_json(json, as_json(live, findings))
    return 2 if wrong else 0
