import math
from types import SimpleNamespace

import pytest

from forearm.core.errors import LimitError
from forearm.core.timing import JointDifference
from forearm.deploy.runtime import Runtime
from forearm.deploy.shadow import Driven, Shadow, message_kind, read_command
from forearm.deploy.state_machine import State
from forearm.deploy.step import Step
from forearm.deploy.watchdog import JointSample

DT, JOINTS = 0.02, ["a", "b"]


def trajectory(names, *points):
    made = [
        SimpleNamespace(
            positions=list(p),
            time_from_start=SimpleNamespace(sec=int(t), nanosec=int((t % 1) * 1e9)),
        )
        for t, p in points
    ]
    return SimpleNamespace(joint_names=names, points=made)


def test_commands_of_every_kind_are_read_by_name():
    state = SimpleNamespace(name=["b", "x", "a"], position=[2.0, 9.0, 1.0])
    assert read_command(state, JOINTS, 5.0) == Driven(5.0, [0.0], [[1.0, 2.0]])
    plain = SimpleNamespace(data=[1.0, 2.0])
    assert read_command(plain, JOINTS, 5.0).positions == [[1.0, 2.0]]
    path = trajectory(["b", "a"], (0.5, (2.0, 1.0)), (1.0, (4.0, 3.0)))
    assert read_command(path, JOINTS, 5.0).positions == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "message",
    [
        SimpleNamespace(data=[1.0]),
        SimpleNamespace(data=[1.0, math.nan]),
        SimpleNamespace(name=["a", "c"], position=[1.0, 2.0]),
        SimpleNamespace(name=["a", "a", "b"], position=[1.0, 2.0, 3.0]),
        trajectory(JOINTS),
        trajectory(JOINTS, (1.0, (0, 0)), (0.5, (0, 0))),
    ],
)
def test_a_malformed_command_is_not_followed(message):
    assert read_command(message, JOINTS, 0.0) is None


def test_a_trajectory_is_followed_between_its_points_and_forgotten_after_its_end():
    driven = Driven(10.0, [1.0, 2.0], [[0.0], [1.0]])
    assert driven.at(10.5) == [0.0]
    assert driven.at(11.25) == [pytest.approx(0.25)]
    assert driven.at(12.4) == [1.0]
    assert driven.at(12.6) is None


def test_the_type_of_a_topic_is_told_by_its_name():
    assert message_kind("/left/other/joint_command") == "sensor_msgs/msg/JointState"
    with pytest.raises(LimitError, match="--driving"):
        message_kind("/cmd_vel")


def step(*command, state=State.RUN):
    return Step(command=list(command), state=state)


def test_the_difference_is_that_to_the_command_which_came_of_it():
    shadow = Shadow(JOINTS, DT, "topic")
    for k in range(50):
        shadow.inbox.append(Driven(k * DT, [0.0], [[0.1 * k, 0.0]]))
        shadow.before(k * DT)
        shadow.after(step(0.1 * (k + 1) + 0.01, 0.0))
    found = {j: d.summary() for j, d in shadow.differences().items()}
    assert found["a"]["count"] == 49
    assert found["a"]["rms"] == pytest.approx(0.01)
    assert found["a"]["max"] == pytest.approx(0.01)
    assert found["b"]["max"] == 0


def test_nothing_is_compared_while_nobody_drives_or_the_policy_holds():
    shadow = Shadow(JOINTS, DT, "topic")
    assert shadow.before(0.0) is None
    shadow.after(step(1.0, 1.0))
    shadow.inbox.append(Driven(0.01, [0.0], [[0.0, 0.0]]))
    assert shadow.before(0.02) == ([0.0, 0.0], [0.0, 0.0])
    shadow.after(step(1.0, 1.0, state=State.HOLD))
    shadow.inbox.append(Driven(0.03, [0.0], [[0.0, 0.0]]))
    shadow.before(0.04)
    assert shadow.before(9.0) is None
    counts = [d.summary()["count"] for d in shadow.differences().values()]
    assert counts == [0, 0]


def test_a_difference_comes_back_from_a_log():
    shadow = Shadow(JOINTS, DT, "topic")
    shadow._compare([0.0, 0.3], [0.0, 0.0])
    text = shadow.differences()["b"].model_dump_json()
    assert JointDifference.model_validate_json(text).summary()["rms"] == 0.3


def test_a_policy_in_the_shadow_of_itself_differs_by_nothing(bundle, robot):
    """One runtime drives a perfect servo, the other one follows in its shadow."""
    driver, follower = Runtime(bundle), Runtime(bundle)
    follower.shadow = True
    shadow = Shadow(robot.joint_names, DT, "topic")
    position, velocity, now = list(robot.home), [0.0] * robot.n, 100.0
    for k in range(150):
        now += DT
        sample = JointSample(robot.joint_names, position, velocity, now, now)
        for runtime in (driver, follower):
            runtime.on_joint_state(sample)
            runtime.on_target((0.4, 0.3, 0.2), (1, 0, 0, 0), now)
            if k == 0:
                runtime.activate(now)
        shadow.after(follower.step(now, driven=shadow.before(now)))
        sent = driver.step(now)
        shadow.inbox.append(Driven(now, [0.0], [list(sent.command)]))
        position, velocity = list(sent.command), list(sent.velocity)
    found = [d.summary() for d in shadow.differences().values()]
    assert min(d["count"] for d in found) > 100
    # Velocities are differences of commands, rounded.
    assert max(d["max"] for d in found) < 1e-5
