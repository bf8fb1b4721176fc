"""Live lint: a running robot against a contract, each mismatch in words.

Pure comparison: nothing here listens, sends or reads a clock. What stops a policy, or
makes it act on wrong numbers, is a mismatch; what only deserves to be known is a note.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forearm.core.contract import Contract
from forearm.core.robot import RobotSpec

from .backends import FORWARD, MESSAGES
from .live import Heard, Live
from .live_values import check_content, check_units
from .requirements import DEFAULT_MAX_AGE, max_age

RATE_TOLERANCE = 0.1
"""Share by which a rate may fall short, as in ROS's ``diagnostic_updater``."""

SHARE = 0.05
"""Share of late or missing joint states from which a policy cannot run in peace."""


@dataclass(frozen=True)
class Finding:
    """One thing that differs, or deserves to be known."""

    what: str
    """``joint_states``, ``joints``, ``units``, ``rate``, ``stamps``, ``controller``,
    ``target`` or ``clock``."""
    text: str
    """One sentence: what was found, what the contract asks for, what to do."""
    mismatch: bool = True
    """Whether the robot does not fit; else a note."""


def lint(
    contract: Contract, live: Live, lengths: Collection[str] = ()
) -> list[Finding]:
    """Compare a running robot with a contract.

    Args:
        contract: what the policy senses and commands.
        live: what was seen.
        lengths: joints in metres instead of radians.

    Returns:
        Findings without repetition, mismatches first.
    """
    found = [
        *_sources(live),
        *(Finding(*problem) for problem in check_content(contract, live.heard)),
        *(Finding("units", t) for t in check_units(contract, live.heard, lengths)),
        *_order(contract, live),
        *_times(contract, live),
        *_controller(contract, live),
        *_around(live),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: not finding.mismatch)


def _sources(live: Live) -> Iterator[Finding]:
    names = ", ".join(sorted(p.node for p in live.publishers))
    if len(live.publishers) > 1:
        yield Finding(
            "joint_states",
            f"{len(live.publishers)} publishers on {live.topic} ({names}), exactly one "
            "must tell where the arm is; stop the others or remap them",
        )
    if live.heard:
        return
    if live.publishers:
        why = (
            f"although {names} publishes it; check its QoS, the network and the "
            "message type " + ", ".join(sorted({p.message for p in live.publishers}))
        )
    elif live.elsewhere:
        why = (
            f"and nobody publishes it; there are joint states on "
            f"{', '.join(live.elsewhere)}: choose with --namespace, or remap"
        )
    else:
        why = "and nobody publishes it; start the driver, check ROS_DOMAIN_ID"
    yield Finding(
        "joint_states", f"nothing came on {live.topic} in {live.seconds:g} s, {why}"
    )


def _order(contract: Contract, live: Live) -> Iterator[Finding]:
    if not live.heard:
        return
    names = list(live.heard[-1].sample.names)
    common = [name for name in names if name in contract.joints]
    if common != [name for name in contract.joints if name in names]:
        yield Finding(
            "joints",
            f"joint states come in the order {', '.join(common)}; they are taken by "
            "name, which is in order",
            mismatch=False,
        )
    extra = [name for name in names if name not in contract.joints]
    if extra and len(common) == len(contract.joints):
        text = f"joint states also hold {', '.join(extra)}; they are left alone"
        yield Finding("joints", text, mismatch=False)


def _times(contract: Contract, live: Live) -> Iterator[Finding]:
    """Judge rate and stamps, of each publisher by itself."""
    groups: dict[bytes, list[Heard]] = {}
    for heard in live.heard:
        groups.setdefault(heard.sample.publisher, []).append(heard)
    for group in groups.values():
        yield from _rate(contract, group, live.seconds)
        yield from _stamps(contract, group, simulated=live.simulated)


def _rate(contract: Contract, group: list[Heard], watched: float) -> Iterator[Finding]:
    wanted = 1 / contract.control_dt
    oldest = max_age(contract, "robot", DEFAULT_MAX_AGE)
    times = np.array([heard.sample.received for heard in group])
    seconds = float(times[-1] - times[0])
    rate = (len(group) - 1) / seconds if seconds > 0 else 1 / watched
    if rate < (1 - RATE_TOLERANCE) * wanted:
        yield Finding(
            "rate",
            f"joint states come at {rate:.1f} Hz, the policy runs at {wanted:g} Hz and "
            "would act on the same state more than once; raise the driver's rate",
        )
    tolerated = contract.latency.tolerated
    if tolerated is not None and 0.5 / rate > tolerated:
        yield Finding(
            "rate",
            f"joint states at {rate:.1f} Hz are {500 / rate:.0f} ms old on average "
            f"when they are used, the policy tolerates {1e3 * tolerated:g} ms and the "
            "node would stop the arm; raise the driver's rate",
        )
    gaps = np.diff(times)
    stale = float(np.maximum(gaps - oldest, 0).sum())
    if stale > 0:
        yield Finding(
            "rate",
            f"joint states fell silent for up to {1e3 * gaps.max():.0f} ms, allowed "
            f"{1e3 * oldest:.0f} ms; the node would stop the arm each time",
            mismatch=stale > SHARE * seconds,
        )


def _stamps(
    contract: Contract, group: list[Heard], *, simulated: bool
) -> Iterator[Finding]:
    oldest = max_age(contract, "robot", DEFAULT_MAX_AGE)
    stamps = np.array([heard.sample.stamp for heard in group])
    if len(group) > 1 and not (np.diff(stamps) > 0).mean() > 1 - SHARE:
        advancing = 100 * float((np.diff(stamps) > 0).mean())
        what = "are all zero" if not stamps.any() else "stand still or run back"
        yield Finding(
            "stamps",
            f"stamps of the joint states {what} ({advancing:.0f} % advance); a state "
            "whose stamp does not advance never counts as fresh; have the driver stamp "
            "each state with the time of its measurement",
        )
        return
    ages = np.array([heard.age for heard in group if math.isfinite(heard.age)])
    if not len(ages):
        return
    typical = float(np.median(ages))
    if abs(typical) > oldest:
        clock = "/clock" if simulated else "this computer's clock"
        side = "behind" if typical > 0 else "ahead of"
        yield Finding(
            "stamps",
            f"stamps of the joint states are {_duration(abs(typical))} {side} {clock}, "
            f"allowed {1e3 * oldest:.0f} ms; a steady delay and clocks apart look the "
            "same, so synchronize the clocks (chrony) or find the delay",
        )
    late = float((ages - ages.min() > oldest).mean())
    if late > SHARE and not simulated:
        yield Finding(
            "stamps",
            f"{100 * late:.0f} % of the joint states are more than "
            f"{1e3 * oldest:.0f} ms later than the promptest; the node would stop the "
            "arm; look at the network and the load of both computers",
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1e3 * seconds:.0f} ms"


def _controller(contract: Contract, live: Live) -> Iterator[Finding]:
    output = contract.output
    types = sorted({c.message for c in live.controllers})
    if not live.controllers:
        others = " or ".join(
            f"--backend {kind} ({topic})"
            for kind, topic in sorted(live.other_controllers.items())
        )
        fix = f"; listening is {others}" if others else ""
        yield Finding(
            "controller",
            f"nobody listens on {live.command_topic}, where the commands go; load and "
            f"activate {output.controller}{fix}",
        )
    elif output.message not in types:
        yield Finding(
            "controller",
            f"{live.command_topic} is taken as {', '.join(types)}, the policy sends "
            f"{output.message}; another kind of controller has that name",
        )
    if live.commanders:
        names = ", ".join(sorted(c.node for c in live.commanders))
        text = f"{names} may already command on {live.command_topic}; let one drive"
        yield Finding("controller", text, mismatch=False)
    yield from _controller_joints(contract, live)


def _controller_joints(contract: Contract, live: Live) -> Iterator[Finding]:
    theirs, ours = live.controller_joints, tuple(contract.joints)
    name, forward = contract.output.controller, MESSAGES[FORWARD]
    if theirs is None:
        if live.controllers and contract.output.message == forward:
            text = (
                f"{name} does not tell its joints; its message carries no names, so "
                f"make sure that it takes them in the order {', '.join(ours)}"
            )
            yield Finding("controller", text, mismatch=False)
    elif set(theirs) != set(ours):
        yield Finding(
            "controller",
            f"{name} moves {', '.join(theirs)}, the policy {', '.join(ours)}; set the "
            "controller's parameter joints",
        )
    elif contract.output.message == forward and theirs != ours:
        yield Finding(
            "controller",
            f"{name} takes values in the order {', '.join(theirs)}, the policy sends "
            f"{', '.join(ours)}: each joint would get another's command; set the "
            "controller's parameter joints in the policy's order",
        )


def _around(live: Live) -> Iterator[Finding]:
    if not live.targets:
        text = f"nobody publishes {live.target_topic} yet; until then the arm holds"
        yield Finding("target", text, mismatch=False)
    if live.simulated:
        text = "somebody publishes /clock; deploy with --sim-time"
        yield Finding("clock", text, mismatch=False)


def sliding(robot: RobotSpec) -> frozenset[str]:
    """Return the joints of an arm and its gripper that are in metres."""
    gripper = () if robot.gripper is None else (robot.gripper.joint,)
    return frozenset(j.name for j in (*robot.joints, *gripper) if j.prismatic)


def as_json(live: Live, findings: list[Finding]) -> dict[str, Any]:
    """Return what was seen and found, for a file."""
    last = live.heard[-1].sample if live.heard else None
    return {
        "agrees": not any(finding.mismatch for finding in findings),
        "findings": [asdict(finding) for finding in findings],
        "seconds": live.seconds,
        "topic": live.topic,
        "joint_states": len(live.heard),
        "joints": list(last.names) if last else [],
        "publishers": [asdict(endpoint) for endpoint in live.publishers],
        "command_topic": live.command_topic,
        "controllers": [asdict(endpoint) for endpoint in live.controllers],
        "controller_joints": live.controller_joints,
        "simulated": live.simulated,
    }
