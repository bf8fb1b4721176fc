"""What the audit reads back: DC motors by their own fields, tools and grippers too."""

from __future__ import annotations

import numpy as np
import pytest

from forearm.core.robots import get_robot
from forearm.sim.loop import ArmLoop
from forearm.sim.readback import Readback
from forearm.sim.servo import ServoGains
from forearm.sim.tasks import get_task

NAMES = ("kp", "kv", "torque_scale")


def readback(robot: str, task: str) -> tuple[ArmLoop, Readback]:
    loop = ArmLoop(get_robot(robot), get_task(task), 3)
    rng, ids = np.random.default_rng(0), np.arange(3)
    n = loop.robot.n
    changed = {
        name: loop.batch.values[name] * rng.uniform(0.7, 1.3, (3, n)) for name in NAMES
    }
    loop.batch.set_values(ids, changed)
    return loop, Readback(loop.batch, loop.task.hook())


@pytest.mark.parametrize(
    ("robot", "task"), [("so101", "pick_place"), ("ur5e", "pick_place")]
)
def test_servo_values_come_back_from_the_compiled_fields(robot: str, task: str) -> None:
    loop, read = readback(robot, task)
    for name in NAMES:
        np.testing.assert_allclose(read(name), loop.batch.values[name], rtol=1e-9)


def test_a_motor_whose_resistance_stayed_is_told_from_a_weaker_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = ServoGains._motor_gain

    def unchanged(self, values):
        gain = plain(self, values)
        gain[..., 0] = self._resistance
        return gain

    monkeypatch.setattr(ServoGains, "_motor_gain", unchanged)
    loop, read = readback("so101", "reach")
    assert (
        np.abs(read("torque_scale") / loop.batch.values["torque_scale"] - 1).max() > 0.1
    )


@pytest.mark.parametrize("task", ["push", "pick_place"])
def test_links_are_compared_with_themselves_where_a_task_adds_bodies(task: str) -> None:
    _, read = readback("ur5e", task)
    np.testing.assert_allclose(read("link_mass_scale"), 1.0, rtol=1e-12)
    np.testing.assert_allclose(read.inertia_ratio(), 1.0, rtol=1e-9)
