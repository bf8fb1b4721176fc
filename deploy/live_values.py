"""Live values: whether joint states hold the contract's joints, in its units.

A joint state carries no unit; a range does. A position that lies outside the limits and
comes inside when taken for degrees is one in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from forearm.core.contract import Contract

from .faults import Fault
from .live import Heard
from .requirements import DEFAULT_MAX_AGE, max_age
from .watchdog import JointWatch

Floats = NDArray[np.float64]

MARGIN = 0.05
"""How far an encoder may read beyond a limit, as arms at their stops do [rad or m]."""

FASTER = 1.5
"""A joint measured faster than its limit by this factor is not in the same unit: noise
of a differentiated encoder stays below."""

MOVED = 0.05
"""Motion from which velocity and change of position are compared [rad or m]."""

AGREE = (0.5, 2.0)
"""Range of integrated velocity over change of position; filters stay inside, degrees
(57) and a turned sign do not."""


def check_content(
    contract: Contract, heard: Sequence[Heard]
) -> Iterator[tuple[str, str]]:
    """Return subject and sentence for each way in which the node would refuse a state.

    The judge is the node's own.
    """
    # Stamps are judged apart; in each state the names are what matters here.
    watch = JointWatch(
        contract.joints, max_age(contract, "robot", DEFAULT_MAX_AGE), lag=False
    )
    needs_velocity = any(i.name == "joint_vel" for i in contract.inputs)
    for entry in heard:
        missing = [j for j in contract.joints if j not in entry.sample.names]
        if missing:
            yield "joints", _missing(missing, entry.sample.names)
            continue
        watch.stamp = -math.inf
        problem = watch.accept(entry.sample)
        if problem is not None and problem.fault is Fault.INVALID:
            yield "joint_states", f"{problem.text}; the node refuses such a state"
        elif needs_velocity and not watch.velocity:
            yield (
                "joint_states",
                "joint states carry no velocity, which the policy senses; add the "
                "velocity interface to the joint state broadcaster",
            )


def _missing(missing: list[str], names: Sequence[str]) -> str:
    text = f"joint states lack {', '.join(missing)} of the contract's joints"
    for name in names:
        prefix = name.removesuffix(missing[0])
        if prefix != name and all(prefix + joint in names for joint in missing):
            return (
                f"{text}; the robot's names begin with {prefix!r}: take that prefix "
                "off in the driver's description (tf_prefix)"
            )
    return f"{text}; found {', '.join(names) or 'no name'}: another robot, or renamed"


def check_units(
    contract: Contract, heard: Sequence[Heard], lengths: Collection[str]
) -> Iterator[str]:
    """Return a sentence for each joint whose values cannot be what the contract says.

    Args:
        contract: limits and joints.
        heard: joint states; those that the node would refuse are left out.
        lengths: joints in metres instead of radians.
    """
    for name, limit in zip(contract.joints, contract.limits, strict=True):
        time, position, velocity = _series(name, heard)
        if not len(position):
            continue
        length = name in lengths
        unit, small, per = ("m", "millimetres", 1e-3) if length else _ANGLE
        low, high = limit.lower - MARGIN, limit.upper + MARGIN
        worst = max(position, key=lambda p: max(low - p, p - high))
        if not low <= worst <= high:
            looks = low <= worst * per <= high
            yield (
                f"{name} at {worst:.3f} lies outside {limit.lower:.3f} to "
                f"{limit.upper:.3f} {unit} and "
                + (
                    f"looks like {small}; the driver must publish {unit}"
                    if looks
                    else "fits no usual unit; check joint limits, zero and driver"
                )
            )
            continue
        top = float(np.abs(velocity).max(initial=0.0))
        if top > FASTER * limit.velocity:
            yield (
                f"{name} at {top:.3f} {unit}/s is faster than its limit of "
                f"{limit.velocity:.3f} {unit}/s; check for {small} per second"
            )
        elif len(velocity) and abs(moved := position[-1] - position[0]) > MOVED:
            if not (np.diff(time) > 0).all():
                continue  # nothing to integrate over; the stamps are said elsewhere
            ratio = float(np.trapezoid(velocity, time)) / moved
            if not AGREE[0] <= ratio <= AGREE[1]:
                yield (
                    f"velocity of {name} adds up to {ratio:.1f} times its change of "
                    f"position; check its sign and unit, expected {unit}/s"
                )


_ANGLE = ("rad", "degrees", math.pi / 180)


def _series(name: str, heard: Sequence[Heard]) -> tuple[Floats, Floats, Floats]:
    """Return stamps, positions and velocities of one joint, of one publisher."""
    rows: list[tuple[float, float]] = []
    speeds: list[float] = []
    for entry in heard:
        sample = entry.sample
        whole = len(sample.position) == len(sample.names)
        if sample.publisher != heard[0].sample.publisher or not whole:
            continue
        if name not in sample.names:
            continue
        at = list(sample.names).index(name)
        if not math.isfinite(sample.position[at]):
            continue
        rows.append((sample.stamp, sample.position[at]))
        if len(sample.velocity) == len(sample.names):
            speeds.append(sample.velocity[at])
    time, position = np.array(rows).reshape(-1, 2).T
    velocity = np.array(speeds if len(speeds) == len(rows) else [])
    return time, position, np.nan_to_num(velocity)
