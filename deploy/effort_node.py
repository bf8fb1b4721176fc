"""The effort guard as a process, and a second one that waits for its death.

It takes ``<node>/guarded_commands`` and ``joint_states`` and publishes
``<controller>/commands``. When the node dies it brakes the arm, holds it for a second,
lets the effort go and ends. An arm under the last effort of a dead guard speeds up
within tenths of a second, less than a process needs to start: so another one stands by
with its topics connected, sees the death at once and does the same.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from forearm.core.ros import leave, newest_only, seconds, session

from .effort import PERIOD, EffortJoint
from .effort_guard import STATE_TIMEOUT, EffortGuard
from .gravity import Gravity, Link
from .guard import GUARDED
from .guard_node import FAREWELL, POLL, READY, timeout
from .realtime import enter_realtime

SAMPLES = 50
"""Joint states from which their rate is judged before the first command is taken."""

SLACK = 1.5
"""Median period of joint states, over what the gains are made for, that is refused."""

BEAT = 0.02
"""How often the guard shows that it lives [s]."""

FAREWELL_WORD = b"q"
"""What a guard says that ends in order."""

SILENCE = 0.1
"""Time without a beat after which the guard counts as hanging [s]."""

LEAK = 1e-3
"""How fast the clocks of arm and guard may drift apart [s/s]."""

SETTLED = 2.0
"""Longest wait for the effort to be let go [s]; it takes a tenth."""


class StateReader:
    """Joint states by name, and how often they come."""

    def __init__(self, names: Sequence[str]) -> None:
        """Read the joints ``names``."""
        self._names = list(names)
        self._seen: list[str] = []
        self._index: list[int] = []
        self._times: list[float] = []
        self._stamp = self._last = self._least = math.nan

    def read(self, message: Any, now: float) -> tuple[list[float], list[float]] | None:
        """Return positions [rad] and velocities [rad/s]; empty where one is missing.

        None where the state is not news: its stamp is the last one's, or it was under
        way for longer than the quickest one by more than a timeout.
        """
        if not self._is_news(seconds(message.header.stamp), now):
            return None
        if len(self._times) < SAMPLES:
            self._times.append(now)
        names = list(message.name)
        if names != self._seen:
            self._seen = names
            once = all(names.count(name) == 1 for name in self._names)
            self._index = [names.index(name) for name in self._names] if once else []
        if not len(message.position) == len(message.velocity) == len(names):
            return [], []
        return (
            [message.position[i] for i in self._index],
            [message.velocity[i] for i in self._index],
        )

    def _is_news(self, stamp: float, now: float) -> bool:
        if stamp == self._stamp:
            return False
        offset, passed = now - stamp, now - self._last
        self._stamp, self._last = stamp, now
        if passed == passed:
            self._least = min(self._least + LEAK * passed, offset)
        else:
            self._least = offset
        return offset - self._least <= STATE_TIMEOUT

    @property
    def period(self) -> float | None:
        """Median time between joint states [s]; none before enough have come."""
        if len(self._times) < SAMPLES:
            return None
        pairs = zip(self._times, self._times[1:], strict=False)
        return statistics.median(b - a for a, b in pairs)


def run_effort_guard(args: argparse.Namespace) -> int:
    """Guard until a signal, or until the parent is dead and the arm stands."""
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    enter_realtime()
    setup = json.loads(args.setup)
    joints = [EffortJoint(**joint) for joint in setup["joints"]]
    zeros = [0.0] * len(joints)
    carried = Gravity([Link(**link) for link in setup["links"]])
    weight = carried if setup["links"] else lambda _: zeros
    slip = float(setup["slip"])
    guard = EffortGuard(joints, timeout(args.period), args.period, weight, slip)
    with session() as context:
        process = _Process(args, setup["names"], guard, context)
        sys.stdout.write(READY + "\n")
        sys.stdout.flush()
        try:
            if args.standby and not wait_for_silence(args.beat, args.standby, stop):
                return 0
            if args.standby:
                guard.take_over()
            status = process.run(stop, last=bool(args.standby))
            process.say(FAREWELL_WORD)
            return status
        finally:
            process.close()


class _Process:
    """Topics of one guard process."""

    def __init__(
        self,
        args: argparse.Namespace,
        names: Sequence[str],
        guard: EffortGuard,
        context: Any,
    ) -> None:
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        from sensor_msgs.msg import JointState
        from std_msgs.msg import Float64MultiArray

        self._guard, self._reader = guard, StateReader(names)
        self._message = Float64MultiArray(data=[0.0] * len(names))
        self._standby, self._beat, self._beaten = bool(args.standby), args.beat, 0.0
        self._node = node = Node(
            "forearm_guard_standby" if args.standby else "forearm_guard",
            namespace=args.namespace,
            context=context,
            start_parameter_services=False,
        )
        topic = f"{args.controller}/commands"
        self._publisher = node.create_publisher(Float64MultiArray, topic, newest_only())
        node.create_subscription(JointState, args.states, self._on_state, newest_only())
        if not args.standby:
            topic = f"{args.node}/{GUARDED}"
            node.create_subscription(
                Float64MultiArray, topic, self._on_command, newest_only()
            )
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)

    def _on_state(self, message: Any) -> None:
        now = time.monotonic()
        found = self._reader.read(message, now)
        if found is not None:
            self._send(self._guard.measured(*found, now))

    def _on_command(self, message: Any) -> None:
        if self._reader.period is not None:
            self._guard.command(message.data, time.monotonic())

    def _send(self, values: list[float] | None) -> None:
        if values is not None:
            for i, value in enumerate(values):
                self._message.data[i] = value
            self._publisher.publish(self._message)

    def run(self, stop: list[int], *, last: bool) -> int:
        """Guard; ``last`` to brake, hold, let go and end at once."""
        guard, parent, alone, given_up = self._guard, os.getppid(), 0.0, 0.0
        while True:
            self._executor.spin_once(timeout_sec=POLL)
            now = time.monotonic()
            self._send(guard.tick(now))
            self._show_life(now)
            if why := self._too_slow():
                sys.stderr.write(why)
                return 2
            if os.getppid() == parent and not stop and not last:
                continue
            alone = alone or now
            if guard.rests and (stop or now - alone > FAREWELL):
                guard.let_go()
                given_up = given_up or now
                if guard.done or now - given_up > SETTLED:
                    return 0

    def _show_life(self, now: float) -> None:
        if now - self._beaten > BEAT:
            self._beaten = now
            self.say(b".")

    def say(self, word: bytes) -> None:
        """Tell the standby, if this is not it."""
        if not self._standby:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self._beat, word)

    def _too_slow(self) -> str:
        period = self._reader.period
        if self._standby or period is None or period <= SLACK * PERIOD:
            return ""
        return (
            f"joint states come every {1e3 * period:.1f} ms; the effort back-end needs "
            f"one every {1e3 * PERIOD:.0f} ms: raise the controller manager's rate\n"
        )

    def close(self) -> None:
        """Disconnect."""
        self._executor.shutdown(timeout_sec=1.0)
        leave(self._node)


def wait_for_silence(beat: int, pid: int, stop: list[int]) -> bool:
    """Wait until guard ``pid`` is dead or hangs; false if it has ended in order.

    A guard that hangs is killed: it must not come back while another one drives.

    Args:
        beat: file descriptor on which the guard shows that it lives.
        pid: process id of the guard.
        stop: filled by a signal; nobody is to take over any more.
    """
    begun = False
    while not stop:
        ready = bool(select.select([beat], [], [], SILENCE)[0])
        word = os.read(beat, 4096) if ready else b""
        if FAREWELL_WORD in word:
            return False
        if (ready and not word) or (begun and not ready):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return not stop
        begun |= ready
    return False


def main(argv: list[str] | None = None) -> int:
    """Run the effort guard process."""
    parser = argparse.ArgumentParser(prog="forearm-effort-guard")
    parser.add_argument("node")
    parser.add_argument("controller")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--states", required=True, help="topic of joint states")
    parser.add_argument("--standby", type=int, default=0, help="wait for its death")
    parser.add_argument("--beat", type=int, required=True, help="pipe of the two")
    parser.add_argument("--period", type=float, required=True)
    parser.add_argument("--setup", required=True, help="names and joints as JSON")
    return run_effort_guard(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
