"""The plant's time against the computer's, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from forearm.sim.plant_loop import CATCH_UP, keep_time

RATE = 250.0
PERIOD = 1 / RATE


class Arm:
    """Counts its own time; a cycle takes as long as the test says."""

    def __init__(self, takes: Callable[[int], float]) -> None:
        self.takes = takes
        self.now = self.time = self.skipped = 0.0
        self.counts: list[int] = []
        self.apart: list[float] = []
        """The computer's time less its own, at the end of what passes in a cycle."""

    def cycle(self, duration: float, count: int, end: float) -> None:
        self.time += duration * count
        self.apart.append(end - self.time - self.skipped)
        assert self.now - end >= 0
        self.now += self.takes(len(self.counts))
        self.counts.append(count)

    def skip(self, duration: float) -> None:
        self.skipped += duration

    def sleep(self, duration: float) -> None:
        self.now += duration

    def run(self, cycles: int, speed: float = 1.0) -> None:
        keep_time(
            self,
            RATE,
            speed,
            lambda: len(self.counts) == cycles,
            lambda: self.now,
            self.sleep,
        )


def test_a_cycle_in_time_is_one_period() -> None:
    arm = Arm(lambda _: 0.3 * PERIOD)
    arm.run(1000)
    assert arm.apart == pytest.approx([0.0] * 1000, abs=1e-9)
    assert set(arm.counts) == {1}


def test_what_is_late_is_made_up_and_nothing_is_lost() -> None:
    arm = Arm(lambda k: 5.5 * PERIOD if k % 10 == 3 else 0.3 * PERIOD)
    arm.run(1000)
    assert arm.apart == pytest.approx([0.0] * 1000, abs=1e-9)
    assert arm.skipped == 0.0
    assert max(arm.counts) == 5


def test_a_hang_is_left_out_but_for_what_may_be_made_up() -> None:
    arm = Arm(lambda k: 1.0 if k == 3 else 0.3 * PERIOD)
    arm.run(100)
    assert arm.apart == pytest.approx([0.0] * 100, abs=1e-9)
    assert max(arm.counts) == 1 + round(CATCH_UP / PERIOD)
    assert arm.skipped == pytest.approx(1.0 - CATCH_UP, abs=3 * PERIOD)


def test_simulated_time_falls_behind_and_tells_every_period() -> None:
    arm = Arm(lambda _: 2.0 * PERIOD)
    arm.run(100, speed=4.0)
    assert (set(arm.counts), arm.skipped) == ({1}, 0.0)
    assert arm.now == pytest.approx(100 * 2.0 * PERIOD, rel=0.01)
