"""Inspect: a bundle's contract in words."""

from __future__ import annotations

from forearm.core.contract import Contract


def words(contract: Contract) -> list[str]:
    """Return what a policy senses, commands, and is allowed, one line each."""
    lines = [
        f"{contract.task} on {contract.robot}, {1 / contract.control_dt:g} Hz",
        "senses:",
    ]
    for entry in contract.inputs:
        source = f" from {entry.topic}.{entry.field}" if entry.topic else ""
        age = f", at most {entry.max_age * 1e3:g} ms old" if entry.max_age else ""
        lines.append(f"  {entry.name} [{entry.unit}] x {entry.size}{source}{age}")
    output = contract.output
    lines.append(
        f"commands: {output.name} [{output.unit}] to {output.controller} "
        f"({output.message})"
    )
    lines.append("limits (position rad, velocity rad/s, acceleration, jerk):")
    for name, limit in zip(contract.joints, contract.limits, strict=True):
        lines.append(
            f"  {name}: {limit.lower:.3f} to {limit.upper:.3f}, {limit.velocity:.3f}, "
            f"{limit.acceleration:g}, {limit.jerk:g}"
        )
    reactions = contract.reactions.model_dump().items()
    lines.append("on " + ", ".join(f"{k}: {v}" for k, v in reactions))
    tolerated = contract.latency.tolerated
    if tolerated is not None:
        lines.append(f"holds when the loop is more than {tolerated * 1e3:g} ms late")
    if contract.evaluation is not None:
        low, high = contract.evaluation.wilson_95
        lines.append(
            f"success {contract.evaluation.success:.3f} [{low:.3f}, {high:.3f}] in "
            f"{contract.evaluation.episodes} simulated episodes"
        )
    return lines
