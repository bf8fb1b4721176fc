"""The plant's loop: in real time an arm goes on moving while its driver is late."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

CATCH_UP = 0.1
"""What a plant in real time makes up for after it was late [s]. A driver that hangs
longer leaves the time out, instead of a burst in which nobody commands."""


TOGETHER = 50e-6
"""Two clocks read one after the other in this time tell how far apart they are [s]."""


class UnixTime:
    """Unix time of the steady clock's times, also while the interpreter is busy."""

    def __init__(self) -> None:
        """Read both clocks."""
        self._apart = time.time() - time.monotonic()

    def at(self, steady: float) -> float:
        """Return the Unix time [s] of ``steady`` [s, ``time.monotonic``]."""
        before = time.monotonic()
        unix = time.time()
        after = time.monotonic()
        if after - before < TOGETHER:
            self._apart = unix - 0.5 * (before + after)
        return steady + self._apart


class Cycled(Protocol):
    """What the loop drives."""

    def cycle(self, duration: float, count: int, end: float) -> None:
        """Let ``count`` periods of ``duration`` [s] pass, then tell the joint state.

        They end at ``end`` [s, the computer's steady time], which has just passed.
        """

    def skip(self, duration: float) -> None:
        """Say that ``duration`` [s] of real time is left out."""


def keep_time(
    arm: Cycled,
    rate: float,
    speed: float,
    ended: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run ``arm`` at absolute deadlines until ``ended`` says so.

    In real time the arm's time keeps up with the computer's, so that a trajectory which
    a controller plays ends when it should. Simulated time may fall behind.

    Args:
        arm: what moves.
        rate: periods per second of its time [Hz].
        speed: its time over the computer's; 1 is real time.
        ended: asked before each cycle.
        clock: the computer's time [s].
        sleep: waits on that clock.
    """
    period = 1.0 / rate
    wall = period / speed
    real = speed == 1.0
    most = round(CATCH_UP / wall)
    deadline = clock() + wall
    while not ended():
        remaining = deadline - clock()
        if remaining > 0:
            sleep(remaining)
        elif not real:
            deadline = clock()
        late = max(0, math.floor((clock() - deadline) / wall)) if real else 0
        made_up = min(late, most)
        if late > made_up:
            arm.skip((late - made_up) * wall)
        deadline += late * wall
        arm.cycle(period, 1 + made_up, deadline)
        deadline += wall
