"""ControlLoop: the thread that turns inbox messages into commands at a fixed rate."""

from __future__ import annotations

import gc
import logging
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from forearm.core.histogram import Histogram

from .realtime import enter_realtime
from .runtime import Runtime
from .schedule import Rate, Schedule
from .shadow import Shadow
from .step import Step
from .watchdog import JointSample

log = logging.getLogger(__name__)

LEAD = 1e-3
"""How long before its deadline a step is rehearsed [s]; it takes a third of that."""

REHEARSED = 4e-3
"""Shortest period with a rehearsal [s]: at higher rates the caches stay warm."""

SWITCH = 1e-4
"""Longest wait for the interpreter while another thread computes [s]; 5 ms as a rule,
half a period at 100 Hz."""

OTHER_CLOCK = 1.0
"""A stamp further than this from now is of another clock [s]."""

STOP_TIMEOUT = 2.0
"""A stop takes v/a plus ramps, well below this [s]."""


@dataclass
class Timing:
    """What the loop measures about itself; all times in seconds."""

    lateness: Histogram = field(default_factory=Histogram)
    """Wake-up after the deadline."""
    work: Histogram = field(default_factory=Histogram)
    """From waking up to the safe command, before it is published."""
    publish: Histogram = field(default_factory=Histogram)
    """Publishing."""
    command: Histogram = field(default_factory=Histogram)
    """From waking up to the command published."""
    age: Histogram = field(default_factory=Histogram)
    """Age of the joint state when it is used, since its reception."""
    sensor_age: Histogram = field(default_factory=Histogram)
    """The same since its stamp, where the stamp is of this computer's clock."""
    other_clock: int = 0
    """Periods whose joint state had a stamp of another clock."""
    rate: Rate = field(default_factory=Rate)
    """How many commands a second were sent since it was last read."""
    ticks: int = 0
    missed: int = 0
    realtime: str = ""
    """What the operating system granted, in words."""
    run: float = field(default_factory=time.monotonic)
    """When it began: tells the runs of one node apart."""

    def add(self, step: Step, work: float, command: float, stamp_age: float) -> None:
        """Count one period.

        Args:
            step: what it came to.
            work: from waking up to the safe command [s].
            command: from waking up to the command published [s].
            stamp_age: Unix time less the joint state's stamp, when it woke up [s].
        """
        self.work.add(work)
        self.publish.add(command - work)
        self.command.add(command)
        if math.isfinite(step.age):
            self.age.add(step.age)
        if not step.state.moves:
            return
        if 0.0 <= stamp_age < OTHER_CLOCK:
            self.sensor_age.add(stamp_age)
        else:
            self.other_clock += 1


class ControlLoop:
    """Owns the runtime while it is active."""

    def __init__(
        self,
        runtime: Runtime,
        inbox: deque[JointSample],
        send: Callable[[Step], None],
        *,
        realtime: bool = True,
        shadow: Shadow | None = None,
    ) -> None:
        """Bind; nothing runs before :meth:`start`.

        Args:
            runtime: decides.
            inbox: joint states as they come in.
            send: publishes a step; must not keep it.
            realtime: ask the operating system for real-time priority.
            shadow: compares with who drives, where the runtime only says what it
                would command.
        """
        self.runtime = runtime
        self.timing = Timing()
        self._inbox = inbox
        self._send = send
        self._realtime = realtime
        self.shadow = shadow
        self._stopping = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """Bring the command to rest, end the thread; returns whether it was orderly."""
        self._stopping.set()
        self._thread.join(timeout=STOP_TIMEOUT)
        return not self._thread.is_alive() and self._failed is None

    @property
    def alive(self) -> bool:
        """Whether commands are being sent."""
        return self._thread.is_alive()

    def _run(self) -> None:
        self.timing.realtime = enter_realtime() if self._realtime else "not asked for"
        gc.collect()
        gc.freeze()
        gc.disable()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        try:
            self._loop()
        except BaseException as error:
            self._failed = error
            log.exception("the control loop ended")
        finally:
            sys.setswitchinterval(interval)
            gc.enable()
            gc.unfreeze()

    def _loop(self) -> None:
        schedule = Schedule(self.runtime.contract.control_dt)
        timing, runtime, now = self.timing, self.runtime, time.monotonic
        slow = schedule.period >= REHEARSED
        rehearsal = (lambda: runtime.rehearse(now())) if slow else None

        while True:
            timing.lateness.add(schedule.wait(rehearsal, LEAD))
            start, wall = now(), time.time()
            while self._inbox:
                runtime.on_joint_state(self._inbox.popleft())
            runtime.stopping = self._stopping.is_set()
            driven = self.shadow.before(start) if self.shadow else None
            step = runtime.step(start, schedule.consecutive, driven)
            done = now()
            self._send(step)
            if self.shadow is not None:
                self.shadow.after(step)
            sent = now()
            stamp_age = wall - runtime.watch.stamp
            runtime.latency.spent = sent - start
            timing.add(step, done - start, sent - start, stamp_age)
            timing.ticks, timing.missed = schedule.ticks, schedule.missed
            if runtime.stopping and runtime.limiter.at_rest:
                return
