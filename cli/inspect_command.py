"""``forearm inspect``: say in words what a bundle senses and commands."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``forearm inspect``."""
    parser.add_argument("bundle", help="directory of the bundle")
    parser.add_argument(
        "--verify-key", metavar="PUB", help="refuse what is not signed with this key"
    )
    parser.add_argument("--json", metavar="FILE", help="write the contract")


def run(args: argparse.Namespace) -> int:
    """Verify a bundle, its graph and its self-test, and print its contract."""
    from forearm.core.bundle import load_bundle
    from forearm.core.files import write_json
    from forearm.deploy.inspect import words
    from forearm.deploy.onnx_policy import OnnxPolicy

    bundle = load_bundle(args.bundle, args.verify_key)
    OnnxPolicy(bundle)
    print("\n".join(words(bundle.contract)))
    print("hashes, graph and self-test: in order")
    if args.json:
        write_json(args.json, bundle.contract)
    return 0
