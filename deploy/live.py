"""Live: what was seen of a running robot, without a word of ROS."""

from __future__ import annotations

from dataclasses import dataclass, field

from .watchdog import JointSample


@dataclass(frozen=True)
class Endpoint:
    """A publisher or subscriber of a topic."""

    node: str
    """Full name of the node it belongs to."""
    message: str
    """Type, e.g. ``sensor_msgs/msg/JointState``."""


@dataclass(frozen=True)
class Heard:
    """One joint state as it came in; ``received`` is on the wall clock here."""

    sample: JointSample
    """The message."""
    age: float
    """Time on the clock its stamp is of, less the stamp [s]; NaN where unknown."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """A running robot, as watched for some seconds without sending it anything."""

    seconds: float
    """How long it was watched [s]."""
    topic: str
    """Full name of the joint state topic."""
    command_topic: str
    """Full name of the topic that the contract's controller takes."""
    target_topic: str
    """Full name of the topic of the policy's goal."""
    heard: tuple[Heard, ...] = ()
    """Every joint state, in order of arrival."""
    publishers: tuple[Endpoint, ...] = ()
    """Of the joint states."""
    controllers: tuple[Endpoint, ...] = ()
    """Subscribers of the command topic."""
    commanders: tuple[Endpoint, ...] = ()
    """Publishers on the command topic."""
    targets: tuple[Endpoint, ...] = ()
    """Publishers of the target topic."""
    simulated: bool = False
    """Whether somebody publishes ``/clock``."""
    controller_joints: tuple[str, ...] | None = None
    """The controller's parameter ``joints``; none where it does not tell."""
    elsewhere: tuple[str, ...] = ()
    """Other topics with joint states."""
    other_controllers: dict[str, str] = field(default_factory=dict)
    """Back-ends whose controller listens, by name, and its topic."""
