"""A policy that grips an object: its bundle, its plant, and what it has to be told."""

from __future__ import annotations

import numpy as np
import pytest

from forearm.cli.on_plant import AT_ONCE, PlantEpisodes
from forearm.core.bundle import Bundle
from forearm.core.robots import get_robot
from forearm.deploy.runtime import Runtime
from forearm.deploy.watchdog import JointSample
from forearm.policies.onnx_actor import OnnxActor
from forearm.sim.loop import ArmLoop
from forearm.sim.plant_spec import PlantSpec
from forearm.sim.tasks import get_task

PERIODS = 20
SEED = 10_000


def test_the_contract_commands_the_gripper_and_senses_the_object(
    object_bundle: Bundle,
) -> None:
    contract = object_bundle.contract
    assert contract.joints[-1] == "panda_finger_joint1"
    assert contract.limits[-1].upper == 0.04
    sensed = {i.name: i for i in contract.inputs}["object_position"]
    assert (sensed.topic, sensed.max_age) == ("object_pose", 0.2)


def test_on_a_plant_it_moves_gripper_and_object_as_in_the_simulator(
    object_bundle: Bundle,
) -> None:
    act, loop = (
        OnnxActor(object_bundle).act,
        ArmLoop(get_robot("panda"), get_task("pick_place"), 1),
    )
    loop.seed([SEED])
    observation, reward = loop.reset(), 0.0
    for _ in range(PERIODS):
        step = loop.step_command(act(loop.sensors, observation))
        observation, reward = step.observation, reward + float(step.reward[0])
    episodes = PlantEpisodes(object_bundle, PlantSpec(), None)
    episodes.task.steps = PERIODS
    _, gained = episodes.run(SEED)
    can = episodes.task.scene.position("can")
    np.testing.assert_allclose(can, loop.task.scene.position("can"), atol=1e-4)
    # Two simulators with other steps, and a period's pause at the start of the plant.
    assert gained == pytest.approx(reward, rel=0.02)


def test_it_holds_until_it_is_told_where_the_object_is_and_when_that_is_old(
    object_bundle: Bundle,
) -> None:
    runtime, n = Runtime(object_bundle, AT_ONCE), len(object_bundle.contract.joints)
    robot = get_robot("panda").with_gripper()

    def step(now: float) -> str:
        names = tuple(object_bundle.contract.joints)
        home = robot.home.tolist()
        runtime.on_joint_state(JointSample(names, home, [0.0] * n, now, now))
        runtime.on_target([0.5, 0.0, 0.2], [1.0, 0.0, 0.0, 0.0], now)
        return runtime.step(now).reason

    home = robot.home.tolist()
    runtime.on_joint_state(
        JointSample(tuple(object_bundle.contract.joints), home, [0.0] * n, 1.0, 1.0)
    )
    runtime.activate(1.0)
    assert step(1.02) == "no object pose yet"
    assert not runtime.on_object([np.nan, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], 1.03)
    assert step(1.04) == "no object pose yet"
    assert runtime.on_object([0.5, 0.1, 0.02], [1.0, 0.0, 0.0, 0.0], 1.05)
    reasons = [step(1.06 + 0.02 * k) for k in range(12)]
    assert reasons[0] == ""
    assert reasons[-1] == "the object pose is too old"
