"""Bringup: one file says which processes belong to an arm; they run together."""

from __future__ import annotations

import signal
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forearm.core.geometry import Workspace

from .supervisor import Process, Task, check_alive, forearm, supervised


class ArmSpec(BaseModel):
    """One arm: its plant or driver, its node, its log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    robot: str = ""
    """Short name; none where ``model`` and ``spec`` stand."""
    model: str | None = None
    """MJCF of the user's own arm, for its plant."""
    spec: str | None = None
    """Spec file of the user's own arm, for its plant."""
    bundle: str
    """Directory of the bundle."""
    namespace: str = ""
    """Namespace of node and topics."""
    plant: str | None = None
    """``nominal`` or a plant file for a stand-in; none where a driver runs."""
    driver: list[str] = Field(default_factory=list)
    """Command line of the real arm's driver, if it is to be started here."""
    record: str | None = None
    """Log to write."""
    shadow: bool = False
    """Infer and log, command nothing."""
    authority: float = Field(default=1.0, ge=0, le=1)
    """Share of the policy's motion that is commanded."""
    workspace: Workspace | None = None
    """Box that the commanded pose may not leave, besides the contract's."""
    clearance: float | None = Field(default=None, gt=0)
    """Least distance between two links [m]; the contract's may be larger."""
    hold_when_shifted: bool = False
    """Stop the arm where inputs leave the training distribution."""
    verify_key: str | None = None
    """Public key the bundle must be signed with."""
    backend: str = "auto"
    """``forward``, ``trajectory``, ``velocity``, ``effort`` or ``auto``."""

    def tasks(self) -> list[Task]:
        """Return the processes of this arm, in the order of their start."""
        label = self.namespace.strip("/").replace("/", "_") or self.robot or "own"
        space = ["--namespace", self.namespace]
        tasks = []
        if self.plant is not None:
            extra = [] if self.plant == "nominal" else ["--plant", self.plant]
            command = forearm("plant", *self._arm(), *space, *extra)
            tasks.append(Task(name=f"{label}_plant", command=command))
        if self.driver:
            tasks.append(Task(name=f"{label}_driver", command=self.driver))
        node = ["deploy", self.bundle, *space, "--backend", self.backend]
        node += ["--authority", str(self.authority), "--wait", "30"]
        node += ["--verify-key", self.verify_key] if self.verify_key else []
        node += self._fence()
        node += ["--hold-when-shifted"] if self.hold_when_shifted else []
        node += ["--shadow"] if self.shadow else []
        node += ["--record", self.record] if self.record else []
        tasks.append(Task(name=f"{label}_node", command=forearm(*node)))
        return tasks

    def _arm(self) -> list[str]:
        if self.model is None or self.spec is None:
            return ["--robot", self.robot]
        return ["--model", self.model, "--spec", self.spec]

    @model_validator(mode="after")
    def _check(self) -> ArmSpec:
        if (self.model is None) != (self.spec is None):
            raise ValueError("model and spec go together; give both or neither")
        if not self.robot and self.model is None:
            raise ValueError("robot is missing, or model and spec of your own")
        return self

    def _fence(self) -> list[str]:
        found = []
        if self.workspace is not None:
            box = self.workspace
            sides = zip(box.lower, box.upper, strict=True)
            found += ["--workspace", *(str(bound) for side in sides for bound in side)]
            found += ["--workspace-holds", box.holds]
        if self.clearance is not None:
            found += ["--clearance", str(self.clearance)]
        return found


class BringupSpec(BaseModel):
    """The content of a bringup file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: list[ArmSpec] = Field(min_length=1)
    """Every arm, each in its own namespace."""


def bring_up(spec: BringupSpec, seconds: float = 0.0) -> None:
    """Run every process of ``spec`` until a signal, or for ``seconds`` [s].

    Raises:
        ForearmError: a process ended; all others are ended too.
    """
    stop: list[int] = []

    def on_signal(number: int, frame: Any) -> None:  # noqa: ARG001
        stop.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    tasks = [task for arm in spec.arms for task in arm.tasks()]
    with supervised(tasks) as running:
        _watch(running, stop, seconds)


def _watch(running: dict[str, Process], stop: list[int], seconds: float) -> None:
    start = time.monotonic()
    while not stop and not 0 < seconds <= time.monotonic() - start:
        check_alive(running)
        time.sleep(0.1)
