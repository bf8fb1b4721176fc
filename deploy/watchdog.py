"""Watchdog: which joint state may be believed, and how old it is.

Everything is judged on the receiver's steady clock. The sender's stamps are only
compared with each other, so an unsynchronized or jumping robot clock is seen, not
trusted: a sample whose stamp does not advance never counts as fresh.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .faults import Fault, Problem

JUMP = 1.0
"""A stamp that moves by this much more or less than the receiver's clock [s]."""

DRIFT = 1e-3
"""Largest rate difference of two clocks that is not taken for delay."""

SILENCE = 1.0
"""After this long without its messages a publisher is gone [s]."""


@dataclass(frozen=True, slots=True)
class JointSample:
    """One joint state message as it came in."""

    names: Sequence[str]
    """Joint names, any order."""
    position: Sequence[float]
    """[rad], same order."""
    velocity: Sequence[float]
    """[rad/s], same order; may be empty."""
    stamp: float
    """Sender's header stamp [s]."""
    received: float
    """Receiver's steady clock [s]."""
    publisher: bytes = b""
    """Identity of the publisher where the transport tells it."""
    sequence: int | None = None
    """Publication sequence number where the transport tells it."""


class JointWatch:
    """The newest joint state that may be believed, mapped by name."""

    def __init__(
        self, joints: Sequence[str], max_age: float, *, lag: bool = True
    ) -> None:
        """Watch ``joints``.

        Args:
            joints: names in the contract's order.
            max_age: oldest state that may be acted on [s].
            lag: whether delay seen in the stamps adds to the age; off where the
                sender's clock runs at another rate (simulated time).
        """
        self._joints = tuple(joints)
        self._max_age = max_age
        self._judge_lag = lag
        self._names: tuple[str, ...] = ()
        self._index: list[int] = []
        self.counts = {"accepted": 0, "refused": 0, "disordered": 0, "lost": 0}
        """How many messages were taken, refused, out of order or never arrived."""
        self.reset()

    def reset(self) -> None:
        """Forget everything but the counts."""
        self.position: list[float] = []
        self.velocity: list[float] = []
        self.received = -math.inf
        self.stamp = -math.inf
        self.lag = 0.0
        self.publishers: dict[bytes, float] = {}
        self._offset = math.inf
        self._sequence: int | None = None

    def accept(self, sample: JointSample) -> Problem | None:
        """Take a message, or say why not."""
        problem = self._content(sample) or self._clock(sample)
        self._who(sample)
        if problem is not None:
            self.counts["refused"] += 1
            return problem
        if sample.stamp <= self.stamp:
            self.counts["disordered"] += 1
            return None
        self._take(sample)
        return None

    def age(self, now: float) -> float:
        """Return the age of the newest believed state, its delay included [s]."""
        return now - self.received + self.lag

    def check(self, now: float) -> Problem | None:
        """Return what is wrong with the joint states at time ``now``, if anything."""
        age = self.age(now)
        if not age <= self._max_age:
            seen = f"{age * 1e3:.0f} ms old" if math.isfinite(age) else "never received"
            return Problem(
                Fault.STALE,
                f"joint states {seen}, allowed {self._max_age * 1e3:.0f} ms",
            )
        active = [g for g, last in self.publishers.items() if now - last < SILENCE]
        if len(active) > 1:
            return Problem(
                Fault.SECOND_PUBLISHER, f"{len(active)} publishers of joint states"
            )
        return None

    def _content(self, sample: JointSample) -> Problem | None:
        names = sample.names
        if tuple(names) != self._names:
            missing = [name for name in self._joints if name not in names]
            if missing:
                return Problem(
                    Fault.INVALID, f"joint states lack {', '.join(missing[:3])}"
                )
            if len(set(names)) != len(names):
                return Problem(Fault.INVALID, "joint states name a joint twice")
        if len(sample.position) != len(names):
            return Problem(
                Fault.INVALID,
                f"{len(sample.position)} positions for {len(names)} joint names",
            )
        if len(sample.velocity) not in (0, len(names)):
            return Problem(
                Fault.INVALID,
                f"{len(sample.velocity)} velocities for {len(names)} joint names",
            )
        if tuple(names) != self._names:
            self._names = tuple(names)
            self._index = [self._names.index(name) for name in self._joints]
        values = [sample.position[i] for i in self._index]
        if sample.velocity:
            values += [sample.velocity[i] for i in self._index]
        if not all(map(math.isfinite, values)):
            return Problem(Fault.INVALID, "joint states hold NaN or infinity")
        return None

    def _clock(self, sample: JointSample) -> Problem | None:
        """Refuse a jump of the sender's clock once, and start over from there."""
        if not math.isfinite(self.stamp) or not self._judge_lag:
            jumped = sample.stamp < self.stamp - JUMP
        else:
            passed = sample.received - self.received
            jumped = abs(sample.stamp - self.stamp - passed) > JUMP
            # A sender that was only silent catches up with its clock.
            jumped &= abs(sample.stamp - self.stamp) > JUMP
        if not jumped:
            return None
        text = f"joint state stamps jumped by {sample.stamp - self.stamp:+.2f} s"
        self.stamp = sample.stamp
        self._offset = sample.received - sample.stamp
        self.lag = 0.0
        return Problem(Fault.INVALID, text)

    def _who(self, sample: JointSample) -> None:
        if sample.publisher not in self.publishers:
            self._sequence = None
        self.publishers[sample.publisher] = sample.received
        if len(self.publishers) > 8:
            oldest = min(self.publishers, key=self.publishers.__getitem__)
            del self.publishers[oldest]
        if sample.sequence is not None:
            if self._sequence is not None and sample.sequence > self._sequence + 1:
                self.counts["lost"] += sample.sequence - self._sequence - 1
            self._sequence = max(sample.sequence, self._sequence or 0)

    def _take(self, sample: JointSample) -> None:
        self.counts["accepted"] += 1
        elapsed = sample.received - self.received
        self.position = [float(sample.position[i]) for i in self._index]
        if sample.velocity:
            self.velocity = [float(sample.velocity[i]) for i in self._index]
        else:
            self.velocity = []
        offset = sample.received - sample.stamp
        if math.isfinite(elapsed):
            self._offset = min(self._offset + DRIFT * elapsed, offset)
        else:
            self._offset = offset
        self.lag = offset - self._offset if self._judge_lag else 0.0
        self.stamp, self.received = sample.stamp, sample.received
