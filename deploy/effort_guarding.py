"""Guard and standby of the effort back-end while a ``with`` block runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict

from forearm.core.contract import Contract
from forearm.core.errors import ForearmError, LimitError

from .effort import EffortJoint, soften
from .gravity import Link
from .guard_node import FAREWELL, end_process, start_process

TAKE_OVER = 4 * FAREWELL
"""Longest wait for a standby that has taken over to end by itself [s]."""


def effort_joints(contract: Contract) -> list[EffortJoint]:
    """Return limits and gains of every joint.

    Raises:
        LimitError: a joint has no damping or inertia to take gains from, or a gripper
            is commanded.
    """
    arm = contract.arm
    if list(arm.joint_names) != contract.joints:
        raise LimitError(
            f"the effort back-end drives arms alone, and this bundle commands "
            f"{contract.joints[-1]} too; use --backend trajectory"
        )
    joints = []
    for joint, limit in zip(arm.joints, contract.limits, strict=True):
        if not (joint.kv > 0 and joint.armature > 0):
            raise LimitError(
                f"joint {joint.name!r}: the effort back-end needs kv and armature "
                f"above zero, got {joint.kv} and {joint.armature}"
            )
        kp, kv = soften(joint.kp, joint.kv, joint.armature)
        fields = ("lower", "upper", "velocity", "acceleration", "effort")
        numbers = {name: getattr(limit, name) for name in fields}
        joints.append(EffortJoint(**numbers, kp=kp, kv=kv))
    return joints


def carried_links(contract: Contract) -> list[Link]:
    """Return the links whose weight the guard carries; none if the arm does it itself.

    Raises:
        LimitError: nobody knows how heavy they are.
    """
    arm, geometry = contract.arm, contract.geometry
    if arm.gravity_compensated:
        return []
    if geometry is None or not geometry.masses:
        raise LimitError(
            f"the controller of {arm.name} does not carry its weight, and the bundle "
            "does not say how heavy its links are: export it again, or use another "
            "back-end"
        )
    pairs = zip(geometry.chain, geometry.masses, strict=True)
    return [Link(**frame.model_dump(), **mass.model_dump()) for frame, mass in pairs]


class EffortGuarding:
    """A guard process, and one that takes over when it dies."""

    def __init__(
        self, node: str, namespace: str, controller: str, contract: Contract
    ) -> None:
        """Prepare the guard of one arm.

        Args:
            node: name of the policy node.
            namespace: of node and controller.
            controller: name of the effort controller.
            contract: of the bundle that the node runs.

        Raises:
            LimitError: the arm cannot be driven by efforts.
        """
        joints = [asdict(joint) for joint in effort_joints(contract)]
        links = [asdict(link) for link in carried_links(contract)]
        setup = {"names": contract.joints, "joints": joints, "links": links}
        setup["slip"] = contract.tracking_error_limit
        command = [sys.executable, "-m", "forearm.deploy.effort_node", node, controller]
        command += ["--namespace", namespace, "--setup", json.dumps(setup)]
        command += ["--states", contract.arm.ros.joint_states]
        self._command = [*command, "--period", repr(contract.control_dt)]
        self._guard: subprocess.Popen[str] | None = None
        self._standby: subprocess.Popen[str] | None = None

    def __enter__(self) -> EffortGuarding:
        """Start both processes.

        Raises:
            ForearmError: one does not start.
        """
        reads, writes = os.pipe()
        os.set_blocking(writes, False)
        try:
            try:
                self._guard = self._start(writes)
            finally:
                # Only the guard's own end is left, so that its death ends the pipe.
                os.close(writes)
            self._standby = self._start(reads, "--standby", str(self._guard.pid))
        except ForearmError:
            if self._guard is not None:
                end_process(self._guard)
            raise
        finally:
            os.close(reads)
        return self

    def _start(self, beat: int, *arguments: str) -> subprocess.Popen[str]:
        command = [*self._command, "--beat", str(beat), *arguments]
        return start_process(command, (beat,))

    def __exit__(self, *_: object) -> None:
        """End both; a standby that has taken over brings the arm to rest before."""
        assert self._guard is not None
        assert self._standby is not None
        if self._guard.poll() is not None:
            with suppress(subprocess.TimeoutExpired):
                self._standby.wait(timeout=TAKE_OVER)
        end_process(self._standby)
        end_process(self._guard)

    def problem(self) -> str:
        """Return in words that a process has died; empty while both live."""
        for name, process in (("guard", self._guard), ("standby", self._standby)):
            if process is not None and process.poll() is not None:
                return f"the {name} process has ended; efforts need both it and a spare"
        return ""
