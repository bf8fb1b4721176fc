"""The model card: what a bundle's policy is, for people."""

from __future__ import annotations

from forearm.core.contract import Contract


def model_card(contract: Contract) -> str:
    """Return the text of ``MODEL_CARD.md``.

    Raises:
        ValueError: the contract holds no evaluation.
    """
    evaluation = contract.evaluation
    if evaluation is None:
        raise ValueError("a bundle states how well its policy does")
    low, high = evaluation.wilson_95
    delay = contract.latency.tolerated
    tolerated = "not known" if delay is None else f"{1e3 * delay:g} ms"
    inputs = "\n".join(f"* `{i.name}` [{i.unit}] x {i.size}" for i in contract.inputs)
    return f"""# {contract.task} on {contract.robot}

Trained in simulation with {contract.provenance["algorithm"]},
{contract.provenance["env_steps"]:,} control steps, seed {contract.provenance["seed"]}.

Success in simulation: {evaluation.success:.1%} of {evaluation.episodes} episodes,
95 % interval [{low:.1%}, {high:.1%}]. Tolerated extra command delay:
{tolerated}. This says nothing about a real arm that differs from
the simulator: calibrate, and rehearse on a plant first.

Senses, in SI units:

{inputs}

Commands joint positions [rad] at {1 / contract.control_dt:g} Hz.
"""
