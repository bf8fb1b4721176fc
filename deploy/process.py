"""The policy node as a process: signals, lifecycle, a stop that is really sent."""

from __future__ import annotations

import gc
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from forearm.core.errors import ForearmError
from forearm.core.ros import Spinner, leave, session

from .node import NodeOptions, PolicyNode
from .realtime import raise_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How long and how a node process runs."""

    seconds: float = 0.0
    """Time after which it stops by itself; 0 for never [s]."""
    wait: float = 10.0
    """How long to wait for the robot before giving up, where nobody configures [s]."""
    executor: str = "single"
    """``events`` or ``single``."""
    autostart: bool = True
    """Configure and activate at once; else wait for lifecycle services."""
    companion: Callable[[], str] = lambda: ""
    """Says in words what has happened to a process that the node cannot do without."""
    ros_arguments: tuple[str, ...] = ()
    """Arguments after ``--ros-args``."""


class Signals:
    """SIGINT and SIGTERM as a flag."""

    def __init__(self) -> None:
        """Install the handlers."""
        self.received = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:  # noqa: ARG002
        self.received = number


def run_node(node_options: NodeOptions, options: RunOptions) -> dict[str, str]:
    """Run until a signal or the time is over; return the last diagnostics.

    Raises:
        ForearmError: the node refuses to be configured or activated.
    """
    signals = Signals()
    arguments = ["--ros-args", *options.ros_arguments] if options.ros_arguments else []
    if options.autostart:
        node_options = replace(
            node_options,
            patience=options.wait,
            interrupted=lambda: bool(signals.received),
        )
    with session(arguments) as context:
        node = PolicyNode(node_options, context)
        spinner = Spinner(context, [node], options.executor)
        if node_options.realtime:
            for thread in (spinner.thread_id, 0):
                raise_thread(thread)
        try:
            if options.autostart:
                _start(node, options.wait, signals)
            return _supervise(node, spinner, options, signals)
        finally:
            # The stop is sent while the context is still alive.
            if node.loop is not None:
                node.trigger_deactivate()
            if node.runtime is not None:
                node.trigger_cleanup()
            spinner.stop()
            leave(node)


def _start(node: PolicyNode, wait: float, signals: Signals) -> None:
    deadline = time.monotonic() + wait
    node.trigger_configure()
    if node.refusal and not signals.received:
        raise ForearmError(node.refusal)
    while not signals.received:
        late = time.monotonic() > deadline
        if late or node.sees_state():
            node.trigger_activate()
            refusal = node.why_refused()
            if not refusal:
                return
            if late:
                raise ForearmError(refusal)
        time.sleep(0.1)


def _supervise(
    node: PolicyNode, spinner: Spinner, options: RunOptions, signals: Signals
) -> dict[str, str]:
    start = time.monotonic()
    fields: dict[str, str] = {}
    beat = start
    while not signals.received:
        if options.seconds and time.monotonic() - start >= options.seconds:
            break
        _check(node, spinner, options)
        if time.monotonic() >= beat:
            fields = node.report()
            gc.collect(0)
            beat += 1.0
        time.sleep(0.05)
    return node.report() if node.loop is not None else fields


def _check(node: PolicyNode, spinner: Spinner, options: RunOptions) -> None:
    """Raise if a part has died without which the node cannot drive the arm."""
    if spinner.failure is not None:
        raise ForearmError(f"the executor died: {spinner.failure}")
    if node.loop is not None and not node.loop.alive:
        raise ForearmError("the control loop died; see the log")
    if problem := options.companion():
        raise ForearmError(problem)
