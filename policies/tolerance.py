"""Success against delay, the delay a policy tolerates, and a bundle that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forearm.core.bundle import CARD, POLICY, Bundle, save_bundle
from forearm.core.contract import Evaluation
from forearm.core.errors import ForearmError, LimitError
from forearm.core.robot import RobotSpec
from forearm.core.statistics import chance_of_losses, wilson
from forearm.sim.tasks import Task

from .card import model_card
from .evaluate import Policy, evaluate

DELAYS = [0.0, 0.01, 0.02, 0.04, 0.06, 0.08]
"""Extra command delays tried at export [s]."""

SIGNIFICANT = 0.05
"""Chance below which a loss of success is not put down to chance."""

ABLE = 0.5
"""Success without delay from which on a policy has something to lose."""

FEWEST = 100
"""Fewest episodes that may be written into a contract: with 100 a loss of 5 shows."""

LONGEST = 0.2
"""Longest extra delay that can be tried [s]: what the simulated servos can hold."""


def parse_delays(text: str) -> list[float]:
    """Return the delays [s] of ``0,10,20`` or ``0,10,20ms``, rising, zero first.

    Raises:
        LimitError: a delay is not a number of milliseconds from 0 to 200.
    """
    try:
        values = {float(v) / 1e3 for v in text.removesuffix("ms").split(",")}
    except ValueError:
        values = {-1.0}
    if not all(0 <= v <= LONGEST for v in values):
        raise LimitError(
            f"--delays takes milliseconds from 0 to {LONGEST * 1e3:g} with commas, "
            f"such as 0,10,20,40; got {text!r}"
        )
    return sorted(values | {0.0})


def delay_curve(
    robot: RobotSpec, task: type[Task], policy: Policy, delays: list[float], **rest: Any
) -> list[dict[str, Any]]:
    """Return success against extra command delay [s], on the same seeds each time.

    Args:
        robot: the arm.
        task: the task.
        policy: what commands the arm.
        delays: extra delays [s], the first without any.
        rest: as for :func:`forearm.policies.evaluate.evaluate`.
    """
    curve: list[dict[str, Any]] = []
    first: tuple[bool, ...] = ()
    for delay in delays:
        result = evaluate(robot, task, policy, extra_delay=delay, **rest)
        first = first or result.outcomes
        pairs = list(zip(first, result.outcomes, strict=True))
        lost, gained = pairs.count((True, False)), pairs.count((False, True))
        curve.append(
            {
                "delay_s": delay,
                "success": result.success,
                "wilson_95": list(result.wilson_95),
                "episodes": result.episodes,
                "lost": lost,
                "gained": gained,
                "p": chance_of_losses(lost, gained),
            }
        )
    return curve


def tolerated_delay(curve: Sequence[dict[str, Any]]) -> float | None:
    """Return the largest delay of a curve that a policy tolerates [s].

    That is the largest one before the first at which success is significantly below
    that without delay: on the same seeds, so many more episodes are lost than gained
    that chance would do it less than once in twenty times (McNemar's exact test, one
    side). None where the policy succeeds in less than half of the episodes anyway.
    """
    if not curve or curve[0]["success"] < ABLE:
        return None
    tolerated = 0.0
    for point in curve:
        if point["p"] < SIGNIFICANT:
            break
        tolerated = float(point["delay_s"])
    return tolerated


def say_tolerated(tolerated: float | None, curve: Sequence[dict[str, Any]]) -> str:
    """Return one line on what a policy tolerates, with what follows from it."""
    if tolerated is None:
        return "tolerated delay: none can be said, the policy fails without delay"
    if tolerated > 0:
        return f"tolerated delay: {tolerated * 1e3:g} ms"
    tried = [point["delay_s"] for point in curve if point["delay_s"] > 0]
    if not tried:
        return "tolerated delay: none was tried"
    return (
        f"tolerated delay: less than {min(tried) * 1e3:g} ms, the smallest tried; no "
        "node runs a policy that tolerates none: try smaller ones (forearm evaluate "
        "BUNDLE --delays 2,4,6,8 --write) or train with delays"
    )


def write_tolerance(bundle: Bundle, curve: Sequence[dict[str, Any]]) -> Bundle:
    """Seal a bundle anew with what it tolerates; whole or not at all.

    A signature of the old contract goes with it.

    Raises:
        LimitError: the curve has too few episodes, or no delay of it is tolerated.
        ForearmError: the policy is not able enough to tolerate anything.
    """
    episodes = min(int(point["episodes"]) for point in curve)
    if episodes < FEWEST:
        raise LimitError(
            f"a contract takes success over at least {FEWEST} episodes, got {episodes}"
        )
    tolerated = tolerated_delay(curve)
    if tolerated is None:
        raise ForearmError(
            f"success without delay is {curve[0]['success']:.0%}, below {ABLE:.0%}: "
            "there is nothing that a delay could be tolerated for"
        )
    if tolerated == 0:
        raise LimitError(f"nothing is written: {say_tolerated(tolerated, curve)}")
    contract = bundle.contract
    zero = curve[0]
    rate = wilson(round(zero["success"] * zero["episodes"]), zero["episodes"])
    known = contract.evaluation or Evaluation(
        episodes=zero["episodes"], success=zero["success"], wilson_95=rate
    )
    final = contract.model_copy(
        update={
            "latency": contract.latency.model_copy(update={"tolerated": tolerated}),
            "evaluation": known.model_copy(update={"delays": list(curve)}),
        }
    )
    card = bundle.read(CARD).decode()
    if {"algorithm", "env_steps", "seed"} <= set(final.provenance):
        card = model_card(final)
    return save_bundle(bundle.path, bundle.read(POLICY), final, bundle.selftest(), card)
