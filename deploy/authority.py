"""Authority: how much of the policy's motion is commanded, raised in stages.

The operator asks for a share; it rises slowly, so that no step is seen, and falls at
once. With fallback on, trouble takes it back to the last stage that ran clean, and to
nothing from there; only the operator raises it again.
"""

from __future__ import annotations

from .step import Step

RATE = 1.0
"""Fastest rise [1/s]: from nothing to everything in a second."""

TRIAL = 5.0
"""Clean time at a stage after which it is one to fall back to [s]."""

WINDOW = 0.5
"""Time over which saturation and shift are averaged [s]."""

MOSTLY = 0.5
"""Part of the window from which on they are trouble."""

SETTLE = 1.0
"""Time a stage fallen back to has to calm the arm [s]."""

TRACKING = 0.5
"""Part of the contract's tracking error limit from which on it is trouble."""


class Authority:
    """The share in use, and why it is less than was asked for."""

    def __init__(
        self, dt: float, requested: float = 1.0, fallback: bool = False
    ) -> None:
        """Start at the ``requested`` share.

        Args:
            dt: control period [s].
            requested: share, 0 to 1.
            fallback: whether trouble takes it back.
        """
        self.requested = requested
        """Share that is to be reached."""
        self.share = requested
        """Share in use."""
        self.safe = 0.0
        """Largest share that ran clean for :data:`TRIAL`."""
        self.reason = ""
        """Why it fell back; empty where it did not since the operator's last word."""
        self._dt, self._fallback = dt, fallback
        self._clean = self._settling = 0.0

    def request(self, value: float) -> None:
        """Take the operator's word: any share from 0 to 1."""
        self.requested = min(max(value, 0.0), 1.0)
        self.share = min(self.share, self.requested)
        self.reason, self._clean, self._settling = "", 0.0, 0.0

    def update(self, trouble: str) -> bool:
        """Advance by one period; returns whether it fell back now.

        Args:
            trouble: what is wrong, in words; empty for nothing.
        """
        self._settling = max(self._settling - self._dt, 0.0)
        settled = self._settling == 0.0
        if trouble and self._fallback and self.share > 0.0 and settled:
            # A stage that is in trouble itself is no stage to fall back to.
            self.safe = self.safe if self.safe < self.share else 0.0
            self.share = self.requested = self.safe
            self.reason, self._clean, self._settling = trouble, 0.0, SETTLE
            return True
        self.share = min(self.requested, self.share + RATE * self._dt)
        reached = self.share == self.requested and not trouble
        self._clean = self._clean + self._dt if reached else 0.0
        if self._clean >= TRIAL:
            self.safe = max(self.safe, self.share)
        return False


class TroubleWatch:
    """What the last half second says against the policy's share."""

    def __init__(self, dt: float, tracking_limit: float) -> None:
        """Watch at a period ``dt`` [s] with the contract's ``tracking_limit`` [rad]."""
        self._size = max(1, round(WINDOW / dt))
        self._tracking = TRACKING * tracking_limit
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._limited = [False] * self._size
        self._shifted = [False] * self._size
        self._at = 0

    def check(self, step: Step, shifted: bool, error: float) -> str:
        """Take a period; return what is wrong, in words; empty for nothing.

        Args:
            step: what it came to.
            shifted: whether an input was outside the training distribution.
            error: largest distance of the arm from its command [rad].
        """
        self._limited[self._at] = step.limited
        self._shifted[self._at] = shifted
        self._at = (self._at + 1) % self._size
        if step.state.latched:
            return f"{step.state.value}: {step.reason}"
        if error > self._tracking:
            return f"arm is {error:.3f} rad away from its command"
        for flags, what in (
            (self._limited, "the limiter changes what the policy asks for"),
            (self._shifted, "inputs are outside the training distribution"),
        ):
            if sum(flags) >= MOSTLY * self._size:
                return f"{what} in {sum(flags)} of {self._size} periods"
        return ""
