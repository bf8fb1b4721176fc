"""Geometry: where an arm's links are and how thick they are, without a simulator.

The part of a contract that lets the robot side keep the arm in a box and off itself,
and carry its weight where nobody else does.
Written at export from the MJCF (:mod:`forearm.sim.geometry`), the only source of these
numbers.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Point = tuple[float, float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Frame(_Strict):
    """A joint's frame in its parent link's, URDF convention."""

    xyz: Point
    """Origin [m]."""
    rpy: Point
    """Roll, pitch, yaw [rad]."""
    axis: Point = (0.0, 0.0, 1.0)
    """Rotation axis in the joint frame, a unit vector."""


class Capsule(_Strict):
    """All points within ``radius`` of a segment that moves with a link."""

    name: str
    """For people."""
    link: int = Field(ge=0)
    """Number of joints before it; 0 is the base."""
    start: Point
    """One end of the segment in the link's frame [m]."""
    end: Point
    """Its other end [m]."""
    radius: float = Field(gt=0)
    """[m]."""


class Mass(_Strict):
    """What moves with a joint, up to the next one."""

    mass: float = Field(ge=0)
    """[kg]."""
    com: Point
    """Centre of mass in the link's frame [m]."""


class Geometry(_Strict):
    """The chain of an arm and the capsules that cover it."""

    chain: list[Frame] = Field(min_length=1)
    """Frames of the arm's joints, base to tool; a gripper's joint is none of them."""
    tool: Frame
    """The tool in the last link; its axis means nothing."""
    capsules: list[Capsule] = Field(default_factory=list)
    """What the arm is made of; none where nothing is known."""
    pairs: list[tuple[int, int]] = Field(default_factory=list)
    """Capsules that must stay apart: no neighbours on the chain."""
    source: str = ""
    """Where the capsules come from."""
    masses: list[Mass] = Field(default_factory=list)
    """One per joint of the chain; none in bundles from before they were written."""

    @model_validator(mode="after")
    def _check(self) -> Geometry:
        if any(capsule.link > len(self.chain) for capsule in self.capsules):
            raise ValueError(f"a capsule's link must be 0 to {len(self.chain)}")
        if len(self.masses) not in (0, len(self.chain)):
            raise ValueError(f"{len(self.chain)} joints need as many masses, or none")
        count = len(self.capsules)
        if not all(0 <= i < j < count for i, j in self.pairs):
            raise ValueError(f"a pair must be two of the {count} capsules")
        return self


class Workspace(_Strict):
    """A box in the base frame that the arm's command may not leave."""

    lower: Point
    """Smallest x, y, z [m]."""
    upper: Point
    """Largest x, y, z [m]."""
    holds: Literal["tool", "arm"] = "tool"
    """What has to stay inside: the tool's origin and every capsule of the last link,
    tool and gripper included, or every capsule but the base's."""

    @model_validator(mode="after")
    def _check(self) -> Workspace:
        if any(a >= b for a, b in zip(self.lower, self.upper, strict=True)):
            raise ValueError(f"lower {self.lower} must be below upper {self.upper}")
        return self


class Tool(_Strict):
    """A body mounted at the tool's origin: a capsule along the tool's z axis."""

    length: float = Field(ge=0)
    """From the tool's origin to the middle of its round end [m]."""
    radius: float = Field(gt=0)
    """Of everything it carries, around that axis [m]."""
