"""The guard as a process of its own: small, and alive when the policy node is not.

It takes ``<node>/guarded_commands`` and publishes ``<controller>/commands``. When its
parent dies it stops the arm, keeps sending zero for a second, and ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from forearm.core.errors import ForearmError
from forearm.core.ros import leave, newest_only, session

from .guard import GUARDED, Guard
from .realtime import enter_realtime

READY = "guarding"
"""Line the process prints once it listens."""

POLL = 0.005
"""How often the guard looks at its clock [s]."""

DISCOVERY = 10.0
"""Longest that a guard which is only to stop the arm looks for its controller [s]."""

FAREWELL = 1.0
"""How long zero is sent after the parent has died and the arm stands [s]."""


def timeout(control_dt: float) -> float:
    """Return how long the guard waits for a command [s]: five periods, 50 ms or more.

    ``control_dt`` is the control period [s]; the node itself holds after as many
    missed ones.
    """
    return max(5 * control_dt, 0.05)


class Guarding:
    """A guard process while a ``with`` block runs."""

    def __init__(
        self,
        node: str,
        namespace: str,
        controller: str,
        limits: Sequence[Any],
        control_dt: float,
    ) -> None:
        """Prepare the guard of one arm.

        Args:
            node: name of the policy node.
            namespace: of node and controller.
            controller: name of the velocity controller.
            limits: the contract's limits of each joint.
            control_dt: control period [s].
        """
        command = [sys.executable, "-m", "forearm.deploy.guard_node", node, controller]
        command += ["--namespace", namespace, "--period", repr(control_dt)]
        for name in ("velocity", "acceleration"):
            values = [repr(float(getattr(limit, name))) for limit in limits]
            command += [f"--{name}", *values]
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Guarding:
        """Start the process.

        Raises:
            ForearmError: it does not start.
        """
        self._process = start_process(self._command)
        return self

    def __exit__(self, *_: object) -> None:
        """End it; if it has died by now, another one brings the controller to zero."""
        assert self._process is not None
        if self._process.poll() is not None:
            end_process(self._process)
            self._process = start_process([*self._command, "--stop"])
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=DISCOVERY + 2 * FAREWELL)
        end_process(self._process)

    def problem(self) -> str:
        """Return in words that the guard has died; empty while it lives."""
        if self._process is None or self._process.poll() is None:
            return ""
        return "the guard process has ended; velocities go to no controller without it"


def start_process(
    command: list[str], pass_fds: Sequence[int] = ()
) -> subprocess.Popen[str]:
    """Start a guard process and return once it listens.

    Raises:
        ForearmError: it does not start.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY:
        process.kill()
        end_process(process)
        raise ForearmError("the guard process did not start")
    return process


def end_process(process: subprocess.Popen[str]) -> None:
    """Ask a guard process to end, then end it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def run_guard(args: argparse.Namespace) -> None:
    """Relay until a signal, or until the parent is dead and the arm stands."""
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node
    from std_msgs.msg import Float64MultiArray

    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    enter_realtime()
    guard = Guard(args.velocity, args.acceleration, timeout(args.period), args.period)
    message = Float64MultiArray(data=[0.0] * len(args.velocity))
    with session() as context:
        node = Node(
            "forearm_guard",
            namespace=args.namespace,
            context=context,
            start_parameter_services=False,
        )
        publisher = node.create_publisher(
            Float64MultiArray, f"{args.controller}/commands", newest_only()
        )

        def send(values: list[float] | None) -> None:
            if values is not None:
                for i, value in enumerate(values):
                    message.data[i] = value
                publisher.publish(message)

        node.create_subscription(
            Float64MultiArray,
            f"{args.node}/{GUARDED}",
            lambda m: send(guard.command(m.data, time.monotonic())),
            newest_only(),
        )
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        sys.stdout.write(READY + "\n")
        sys.stdout.flush()
        if args.stop:
            _send_zero(guard, send, publisher.get_subscription_count, stop)
        else:
            _relay(executor, guard, send, stop)
        executor.shutdown(timeout_sec=1.0)
        leave(node)


def _relay(executor: Any, guard: Guard, send: Any, stop: list[int]) -> None:
    parent, alone = os.getppid(), 0.0
    while True:
        executor.spin_once(timeout_sec=POLL)
        now = time.monotonic()
        send(guard.tick(now))
        if os.getppid() == parent and not stop:
            continue
        alone = alone or now
        rested = guard.stopping and guard.at_rest
        if rested and (stop or now - alone > FAREWELL):
            return


def _send_zero(
    guard: Guard, send: Any, listeners: Callable[[], int], stop: list[int]
) -> None:
    """Send zero for a while, counted from when the controller is found."""
    end = time.monotonic() + DISCOVERY
    found = False
    while not stop and time.monotonic() < end:
        if not found and listeners():
            found, end = True, time.monotonic() + FAREWELL
        send(guard.tick(time.monotonic()))
        time.sleep(POLL)


def main(argv: list[str] | None = None) -> int:
    """Run the guard process."""
    parser = argparse.ArgumentParser(prog="forearm-guard")
    parser.add_argument("node")
    parser.add_argument("controller")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--stop", action="store_true", help="send zero, then end")
    parser.add_argument("--period", type=float, required=True)
    parser.add_argument("--velocity", type=float, nargs="+", required=True)
    parser.add_argument("--acceleration", type=float, nargs="+", required=True)
    run_guard(parser.parse_args(argv))
    return 0


if __name__ == "__main__":
    sys.exit(main())
