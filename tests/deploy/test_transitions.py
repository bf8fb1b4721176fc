"""Whatever fails in a transition, over real services: never half in a state."""

import shutil
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = pytest.mark.ros

CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE, SHUTDOWN = 1, 2, 3, 4, 6
"""Ids of lifecycle_msgs/Transition; 6 shuts an inactive node down."""


class Bench:
    """A policy node, a robot that publishes joint states, and an operator."""

    def __init__(self, context, bundle, robot):
        from lifecycle_msgs.srv import ChangeState, GetState
        from rclpy.node import Node
        from sensor_msgs.msg import JointState
        from trajectory_msgs.msg import JointTrajectory

        from forearm.core.ros import Spinner, newest_only
        from forearm.deploy.node import NodeOptions, PolicyNode

        self.policy = PolicyNode(
            NodeOptions(bundle=str(bundle.path), realtime=False), context
        )
        self.outside = Node("outside", context=context)
        self._joints = self.outside.create_publisher(
            JointState, robot.ros.joint_states, newest_only()
        )
        joints, home = bundle.contract.joints, [j.home for j in robot.joints]
        self._message = JointState(
            name=joints, position=home, velocity=[0.0] * len(joints)
        )
        self.outside.create_timer(0.005, self._publish)
        topic = f"{robot.ros.trajectory_controller}/joint_trajectory"
        self.outside.create_subscription(JointTrajectory, topic, print, newest_only())
        self._change_type, self._state_type = ChangeState, GetState
        self._change = self.outside.create_client(
            ChangeState, "forearm_policy/change_state"
        )
        self._state = self.outside.create_client(GetState, "forearm_policy/get_state")
        self._spinners = [
            Spinner(context, [node]) for node in (self.policy, self.outside)
        ]

    def _publish(self):
        self._message.header.stamp = self.outside.get_clock().now().to_msg()
        self._joints.publish(self._message)

    def _call(self, client, request):
        assert client.wait_for_service(timeout_sec=10.0)
        future = client.call_async(request)
        end = time.monotonic() + 15
        while not future.done():
            assert time.monotonic() < end
            time.sleep(0.01)
        return future.result()

    def ask(self, transition):
        request = self._change_type.Request()
        request.transition.id = transition
        return self._call(self._change, request).success

    @property
    def state(self):
        return self._call(self._state, self._state_type.Request()).current_state.label

    def activate(self):
        assert self.ask(CONFIGURE)
        end = time.monotonic() + 15
        while not self.ask(ACTIVATE):
            assert time.monotonic() < end, self.policy.refusal
            time.sleep(0.05)

    def forgot_everything(self):
        policy = self.policy
        return (policy.runtime, policy.loop, policy._backend, policy._entities) == (
            None,
            None,
            None,
            [],
        )

    def close(self):
        for spinner in self._spinners:
            spinner.stop()
        if self.policy.loop is not None:
            self.policy.loop.stop()
        self.policy.destroy_node()
        self.outside.destroy_node()


@pytest.fixture
def bench(ros_domain, bundle, robot):  # noqa: ARG001
    from forearm.core.ros import session

    @contextmanager
    def make():
        with session() as context:
            made = Bench(context, bundle, robot)
            try:
                yield made
            finally:
                made.close()

    with make() as made:
        yield made


def broken(*_, **__):
    raise KeyError("of no\nforeseen kind")


def test_an_unforeseen_error_in_configure_leaves_it_unconfigured(bench, monkeypatch):
    """It comes late, when half of the topics are there already."""
    monkeypatch.setattr(bench.policy, "create_service", broken)
    assert not bench.ask(CONFIGURE)
    assert bench.state == "unconfigured"
    assert bench.policy.refusal.startswith("unexpected KeyError ('of no")
    assert "\n" not in bench.policy.refusal
    assert bench.forgot_everything()
    monkeypatch.undo()
    bench.activate()
    assert bench.state == "active"


def test_an_unforeseen_error_in_activate_leaves_it_inactive(bench, monkeypatch):
    from forearm.deploy.control import ControlLoop

    assert bench.ask(CONFIGURE)
    while not bench.policy.sees_state():
        time.sleep(0.01)
    monkeypatch.setattr(ControlLoop, "start", broken)
    assert not bench.ask(ACTIVATE)
    assert bench.state == "inactive"
    assert bench.policy.refusal.startswith("unexpected KeyError")
    assert bench.policy.loop is None


def test_a_node_whose_loop_died_is_unconfigured_after_deactivate(bench, monkeypatch):
    bench.activate()
    monkeypatch.setattr(bench.policy, "_send", broken)
    monkeypatch.setattr(bench.policy.loop, "_send", broken)
    end = time.monotonic() + 5
    while bench.policy.loop.alive:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not bench.ask(DEACTIVATE)
    assert bench.state == "unconfigured"
    assert bench.policy.refusal == "the control loop did not end in order"
    assert bench.forgot_everything()
    monkeypatch.undo()
    bench.activate()
    assert bench.state == "active"


def test_an_unforeseen_error_in_cleanup_still_forgets_everything(bench):
    assert bench.ask(CONFIGURE)
    destroy = bench.policy._entities[0][1]
    bench.policy._entities[0] = (broken, destroy)
    assert not bench.ask(CLEANUP)
    assert bench.state == "unconfigured"
    assert bench.forgot_everything()


def test_a_shutdown_that_fails_is_a_shutdown(bench, monkeypatch):
    assert bench.ask(CONFIGURE)
    monkeypatch.setattr(bench.policy, "_deactivate", broken)
    assert not bench.ask(SHUTDOWN)
    assert bench.state == "finalized"
    assert bench.forgot_everything()


def altered(bundle, folder, found, new):
    """Return a copy of a bundle whose contract says something else."""
    shutil.copytree(bundle.path, folder)
    text = (folder / "contract.json").read_text()
    assert found in text
    (folder / "contract.json").write_text(text.replace(found, new, 1))
    return str(folder)


def test_a_bundle_that_may_not_run_is_refused_in_configure(bench, bundle, tmp_path):
    newer = altered(bundle, tmp_path / "newer", '"format": 1', '"format": 99')
    none = altered(bundle, tmp_path / "none", '"tolerated": null', '"tolerated": 0.0')
    good = bench.policy.options
    for path, words in ((newer, "has format 99"), (none, "tolerates: got 0 ms")):
        bench.policy.options = replace(good, bundle=path)
        assert not bench.ask(CONFIGURE)
        assert bench.state == "unconfigured"
        assert words in bench.policy.refusal
        assert "\n" not in bench.policy.refusal
        assert bench.forgot_everything()
    bench.policy.options = good
    assert bench.ask(CONFIGURE)


def test_parameters_but_the_authority_are_fixed_while_it_is_active(bench):
    from rcl_interfaces.srv import SetParameters
    from rclpy.parameter import Parameter

    client = bench.outside.create_client(SetParameters, "forearm_policy/set_parameters")

    def put(name, value):
        wanted = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[wanted])
        (result,) = bench._call(client, request).results
        return result.successful, result.reason

    bench.activate()
    words = "use_sim_time cannot change while the node is active"
    assert put("use_sim_time", True) == (False, words)
    assert put("authority", 1.5) == (False, "authority must lie in [0, 1]")
    assert put("authority", 0.5)[0]
    assert bench.policy.runtime.authority.requested == 0.5
    assert bench.ask(DEACTIVATE)
    assert put("use_sim_time", True)[0]
