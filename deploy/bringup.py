"""Bringup: one file says which processes belong to an arm; they run together."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forearm.core.geometry import Tool, Workspace

from .supervisor import Process, Task, check_alive, forearm, supervised


class ArmSpec(BaseModel):
    """One arm: its plant or driver, its node, its log.

    Whatever ``forearm deploy`` and ``forearm plant`` take has its field here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    robot: str = ""
    """Short name; none where ``model`` and ``spec`` stand."""
    model: str | None = None
    """MJCF of the user's own arm, for its plant and to check the bundle with."""
    spec: str | None = None
    """Spec file of the user's own arm, with ``model``."""
    bundle: str
    """Directory of the bundle."""
    namespace: str = ""
    """Namespace of node and topics."""
    name: str = "forearm_policy"
    """Name of the node."""
    plant: str | None = None
    """``nominal`` or a plant file for a stand-in; none where a driver runs."""
    rate: float = Field(default=250.0, gt=0)
    """Joint states of the plant [Hz]."""
    speed: float = Field(default=1.0, gt=0)
    """Of the plant, simulated over real time; other than 1 needs ``sim_time``."""
    command_timeout: float = Field(default=0.0, ge=0)
    """Silence after which the plant's velocity and effort controllers stop [s]."""
    task: str | None = None
    """Task whose tool and objects the plant has."""
    seed: int = Field(default=10_000, ge=0)
    """Of the task's first episode."""
    driver: list[str] = Field(default_factory=list)
    """Command line of the real arm's driver, if it is to be started here."""
    record: str | None = None
    """Log to write."""
    shadow: bool = False
    """Infer and log, command nothing."""
    driving: str = ""
    """In shadow: the commands to compare with; the controller's where empty."""
    authority: float = Field(default=1.0, ge=0, le=1)
    """Share of the policy's motion that is commanded."""
    fallback: bool = False
    """Take the authority back on trouble; always so where it starts below 1."""
    workspace: Workspace | None = None
    """Box that the commanded pose may not leave, besides the contract's."""
    clearance: float | None = Field(default=None, gt=0)
    """Least distance between two links [m]; the contract's may be larger."""
    tool: Tool | None = None
    """What was mounted on the arm that its bundle does not know."""
    hold_when_shifted: bool = False
    """Stop the arm where inputs leave the training distribution."""
    verify_key: str | None = None
    """Public key the bundle must be signed with."""
    backend: str = "auto"
    """``forward``, ``trajectory``, ``velocity``, ``effort`` or ``auto``."""
    executor: Literal["single", "events"] = "single"
    """Executor of the node."""
    realtime: bool = True
    """Ask for real-time priority."""
    sim_time: bool = False
    """Take time from ``/clock``."""
    manual: bool = False
    """Wait for lifecycle transitions instead of starting at once."""
    wait: float = Field(default=30.0, ge=0)
    """For joint states [s]."""
    json_file: str | None = Field(default=None, alias="json")
    """File for the last diagnostics; ``json`` in the file."""

    def tasks(self) -> list[Task]:
        """Return the processes of this arm, in the order of their start."""
        label = self.namespace.strip("/").replace("/", "_") or self.robot or "own"
        tasks = []
        if self.plant is not None:
            command = forearm("plant", *self._plant())
            tasks.append(Task(name=f"{label}_plant", command=command))
        if self.driver:
            tasks.append(Task(name=f"{label}_driver", command=self.driver))
        command = forearm("deploy", self.bundle, *self._node())
        tasks.append(Task(name=f"{label}_node", command=command))
        return tasks

    def _plant(self) -> list[str]:
        return [
            *([] if self.model else ["--robot", self.robot]),
            *self._own(),
            *_valued({"--plant": None if self.plant == "nominal" else self.plant}),
            *_valued({"--namespace": self.namespace, "--rate": self.rate}),
            *_valued({"--speed": self.speed}),
            *_valued({"--command-timeout": self.command_timeout}),
            *_valued({"--task": self.task, "--seed": self.seed}),
        ]

    def _node(self) -> list[str]:
        values = {
            "--namespace": self.namespace,
            "--name": self.name,
            "--backend": self.backend,
            "--authority": self.authority,
            "--driving": self.driving or None,
            "--executor": self.executor,
            "--wait": self.wait,
            "--verify-key": self.verify_key,
            "--record": self.record,
            "--clearance": self.clearance,
            "--json": self.json_file,
        }
        flags = {
            "--shadow": self.shadow,
            "--fallback": self.fallback,
            "--hold-when-shifted": self.hold_when_shifted,
            "--no-realtime": not self.realtime,
            "--sim-time": self.sim_time,
            "--manual": self.manual,
        }
        given = [name for name, on in flags.items() if on]
        return [*self._own(), *_valued(values), *self._fence(), *given]

    def _own(self) -> list[str]:
        return _valued({"--model": self.model, "--spec": self.spec})

    @model_validator(mode="after")
    def _check(self) -> ArmSpec:
        if (self.model is None) != (self.spec is None):
            raise ValueError("model and spec go together; give both or neither")
        if not self.robot and self.model is None:
            raise ValueError("robot is missing, or model and spec of your own")
        if self.speed != 1.0 and not self.sim_time:
            raise ValueError("a speed other than 1 needs sim_time: true")
        if self.driving and not self.shadow:
            raise ValueError("driving goes with shadow: true")
        return self

    def _fence(self) -> list[str]:
        found = []
        if self.workspace is not None:
            box = self.workspace
            sides = zip(box.lower, box.upper, strict=True)
            found += ["--workspace", *(str(bound) for side in sides for bound in side)]
            found += ["--workspace-holds", box.holds]
        if self.tool is not None:
            found += ["--tool", str(self.tool.length), str(self.tool.radius)]
        return found


def _valued(options: Mapping[str, object]) -> list[str]:
    """Return the options that have a value, each with it behind."""
    given = [(name, value) for name, value in options.items() if value is not None]
    return [str(word) for pair in given for word in pair]


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
