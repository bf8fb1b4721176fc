"""What every ROS process here needs: one distribution, quiet start, QoS, stamps."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import ForearmError

log = logging.getLogger(__name__)

LEAVING = 10
"""Longest that the destruction of a node may take [s]; a tenth is usual."""


def check_environment(environ: Mapping[str, str] | None = None) -> None:
    """Refuse a mix of ROS wheels from pip and a sourced distribution.

    The two share library names, not binary interfaces: mixed, they corrupt memory.

    Raises:
        ForearmError: rclpy is missing, or two distributions are mixed.
    """
    environ = os.environ if environ is None else environ
    spec = find_spec("rclpy")
    if spec is None or spec.origin is None:
        raise ForearmError(
            "ROS 2 is not installed: install forearm[ros], or source a distribution"
        )
    home = Path(spec.origin).resolve()
    sourced = [p for p in environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
    inside = any(home.is_relative_to(Path(p).resolve()) for p in sourced)
    wheels = home.is_relative_to(Path(sys.prefix).resolve())
    distributions = [p for p in sourced if Path(p).resolve() != Path(sys.prefix)]
    distro = environ.get("ROS_DISTRO")
    if wheels and (distributions or distro) and not (inside and not distributions):
        raise ForearmError(
            f"ROS 2 wheels in {sys.prefix} and a sourced distribution "
            f"({distro or distributions[0]}) are mixed, which corrupts memory: "
            "use a shell without 'source setup.bash', or an environment without "
            "the ros-* wheels"
        )


def message_type(name: str) -> Any:
    """Return the class of a type such as ``sensor_msgs/msg/JointState``.

    Raises:
        ForearmError: the message package is not installed.
    """
    package, _, kind = name.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), kind)
    except (ImportError, AttributeError) as error:
        raise ForearmError(f"message type {name!r} is not installed") from error


def newest_only() -> Any:
    """Return reliable depth-1 QoS: the newest value, from any kind of publisher."""
    from rclpy.qos import QoSProfile

    return QoSProfile(depth=1)


def latched() -> Any:
    """Return transient-local depth-1 QoS: late subscribers get the last value."""
    from rclpy.qos import DurabilityPolicy, QoSProfile

    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def seconds(stamp: Any) -> float:
    """Return a ``builtin_interfaces/Time`` in seconds."""
    return float(stamp.sec + 1e-9 * stamp.nanosec)


@contextmanager
def session(arguments: list[str] | None = None) -> Iterator[Any]:
    """Initialize a context that leaves signals to us, and shut it down.

    rclpy's own handler closes the context before a last command can be sent.
    """
    check_environment()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    context = rclpy.Context()
    rclpy.init(
        args=arguments,
        context=context,
        signal_handler_options=SignalHandlerOptions.NO,
    )
    try:
        yield context
    finally:
        if context.ok():
            context.shutdown()


def leave(node: Any) -> None:
    """Destroy a node; the kernel ends the process where that takes too long.

    Fast DDS 3.2 can wait for itself for ever, at full load and with Python's lock held,
    when another process leaves at the same time: ``DomainParticipant::set_listener``
    keeps the mutex that ``on_writer_discovery`` asks for.
    """
    signal.alarm(LEAVING)
    try:
        node.destroy_node()
    finally:
        signal.alarm(0)


class Spinner:
    """An executor in its own thread, always with finite timeouts."""

    def __init__(self, context: Any, nodes: list[Any], kind: str = "single") -> None:
        """Start spinning ``nodes``; ``kind`` is ``events`` or ``single``."""
        self.executor = _executor(context, kind)
        for node in nodes:
            self.executor.add_node(node)
        self.failure: BaseException | None = None
        """What ended the thread, if it did not end in order."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="executor", daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException
        from rclpy.task import Future

        never: Any = Future()
        try:
            while not self._stop.is_set():
                # Without a timeout the events executor of some builds never returns.
                self.executor.spin_until_future_complete(never, timeout_sec=0.2)
        except ExternalShutdownException:
            self._stop.set()
        except BaseException as error:
            self.failure = error
            log.exception("the executor ended")

    @property
    def thread_id(self) -> int:
        """The kernel's id of the thread."""
        return self._thread.native_id or 0

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(timeout=2.0)
        self.executor.shutdown(timeout_sec=1.0)


def _executor(context: Any, kind: str) -> Any:
    if kind == "events":
        from rclpy.experimental.events_executor import EventsExecutor

        return EventsExecutor(context=context)
    from rclpy.executors import SingleThreadedExecutor

    return SingleThreadedExecutor(context=context)
