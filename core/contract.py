"""Contract: what a policy senses and commands, how fast, within which limits.

Stored as ``contract.json`` in a bundle; the only thing the robot side knows about a
policy besides its ONNX graph.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .geometry import Geometry, Workspace
from .robot import RobotSpec
from .robots import BENCHES, ROBOTS, get_robot
from .training_range import TrainingRange

FORMAT: Final = 1
"""Version of the layout; a node refuses a newer one."""

Reaction = Literal["hold", "decelerate", "stop"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Input(_Strict):
    """One named input of the graph, float32 of shape (1, size)."""

    name: str
    size: int = Field(gt=0)
    unit: str
    kind: Literal["robot", "memory", "task"]
    topic: str | None = None
    """ROS topic it comes from; none for the policy's own memory."""
    field: str | None = None
    """Message field, e.g. ``position``."""
    max_age: float | None = Field(default=None, gt=0)
    """Oldest acceptable value [s]; none where any age is fine."""
    low: list[float] | None = None
    """Smallest value seen in training, per element."""
    high: list[float] | None = None
    """Largest value seen in training, per element."""


class Output(_Strict):
    """The one output of the graph, float32 of shape (1, joints)."""

    name: str = "joint_command"
    kind: Literal["position"] = "position"
    unit: str = "rad"
    controller: str
    """Default controller that takes the command."""
    message: str
    """ROS message type of the controller's topic."""


class JointLimits(_Strict):
    """Limits the node enforces for one joint, whatever the policy says."""

    lower: float
    upper: float
    velocity: float = Field(gt=0)
    acceleration: float = Field(gt=0)
    jerk: float = Field(gt=0)
    effort: float = Field(gt=0)

    @model_validator(mode="after")
    def _check(self) -> JointLimits:
        if self.lower >= self.upper:
            raise ValueError(f"lower {self.lower} must be below upper {self.upper}")
        return self


class Reactions(_Strict):
    """What the node does on each kind of fault."""

    stale_input: Reaction = "decelerate"
    invalid_input: Reaction = "decelerate"
    invalid_output: Reaction = "stop"
    tracking_error: Reaction = "stop"
    second_publisher: Reaction = "stop"
    out_of_distribution: Reaction = "decelerate"
    missed_deadlines: Reaction = "decelerate"
    latency: Reaction = "decelerate"
    workspace: Reaction = "decelerate"
    self_collision: Reaction = "decelerate"


class Latency(_Strict):
    """Delays the policy was trained for and still tolerates [s]."""

    trained_min: float = Field(default=0.0, ge=0)
    trained_max: float = Field(default=0.0, ge=0)
    tolerated: float | None = Field(default=None, ge=0)
    """Largest tested extra command delay, up to which no success is significantly
    below that without; none where it is not known. The node holds beyond it."""


class Evaluation(_Strict):
    """How well the policy does in simulation."""

    episodes: int = Field(ge=0)
    success: float = Field(ge=0, le=1)
    wilson_95: tuple[float, float]
    delays: list[dict[str, Any]] = Field(default_factory=list)
    """Success against extra command delay."""


class Contract(_Strict):
    """The content of ``contract.json``."""

    format: Literal[1] = FORMAT
    robot: str
    own_robot: RobotSpec | None = None
    """The arm where it is the user's own; its MJCF stays with the training run."""
    joints: list[str]
    """Joint names in the order of every per-joint vector."""
    control_dt: float = Field(gt=0)
    """Control period [s]."""
    inputs: list[Input]
    output: Output
    limits: list[JointLimits]
    """One per joint, in the order of ``joints``."""
    tracking_error_limit: float = Field(default=0.35, gt=0)
    """Largest |command - measured position| before the node reacts [rad]."""
    geometry: Geometry | None = None
    """The arm's chain and capsules; a workspace or clearance needs them."""
    workspace: Workspace | None = None
    """Box that the commanded pose may not leave; none for no box."""
    clearance: float | None = Field(default=None, gt=0)
    """Least distance between two capsules of the arm [m]; none for no check."""
    training: TrainingRange | None = None
    """What the policy sensed in training; none where nothing is known."""
    reactions: Reactions = Reactions()
    latency: Latency = Latency()
    task: str
    task_info: dict[str, Any] = Field(default_factory=dict)
    """What success means, e.g. tolerances, and where targets may lie."""
    provenance: dict[str, Any] = Field(default_factory=dict)
    """Versions, algorithm, seed, steps, hash of the params file, randomization."""
    evaluation: Evaluation | None = None
    sha256: dict[str, str] = Field(default_factory=dict)
    """Hash of every other file of the bundle."""

    @model_validator(mode="after")
    def _check(self) -> Contract:
        if len(self.limits) != len(self.joints):
            raise ValueError(f"{len(self.joints)} joints need as many limits")
        if len(set(self.joints)) != len(self.joints):
            raise ValueError("joint names must be unique")
        if len({i.name for i in self.inputs}) != len(self.inputs):
            raise ValueError("input names must be unique")
        if self.own_robot is not None:
            self._check_own(self.own_robot)
        fenced = self.workspace is not None or self.clearance is not None
        if fenced and self.geometry is None:
            raise ValueError("a workspace or clearance needs the arm's geometry")
        return self

    def _check_own(self, arm: RobotSpec) -> None:
        # A task may command a gripper besides: its joint comes last.
        joints = self.joints[: arm.n]
        if arm.name != self.robot or list(arm.joint_names) != joints:
            raise ValueError("own_robot must have the contract's name and joints")
        if arm.name in {**ROBOTS, **BENCHES}:
            raise ValueError(f"own_robot must not be called {arm.name!r}")
        if not np.isfinite([*arm.tool_xyz, *arm.tool_rpy, arm.payload_limit]).all():
            raise ValueError("own_robot must hold finite numbers")

    @property
    def arm(self) -> RobotSpec:
        """The arm: the user's own, or the one forearm knows by name.

        Raises:
            UnknownNameError: this forearm does not know it.
        """
        return self.own_robot or get_robot(self.robot)
