"""A robot that is not there is missed in ``configure``, in one sentence."""

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros_domain")]


def test_configure_names_the_topic_that_nobody_serves(bundle, robot):
    from rclpy.node import Node
    from sensor_msgs.msg import JointState
    from trajectory_msgs.msg import JointTrajectory

    from forearm.core.ros import newest_only, session
    from forearm.deploy.node import NodeOptions, PolicyNode

    options = NodeOptions(
        bundle=str(bundle.path),
        namespace="left",
        backend="trajectory",
        realtime=False,
        patience=0.3,
    )
    topic = f"{robot.ros.trajectory_controller}/joint_trajectory"
    with session() as context:
        node = PolicyNode(options, context)
        driver = Node("driver", namespace="left", context=context)

        def refused():
            node.trigger_configure()
            assert (node.runtime, node.loop, node._entities) == (None, None, [])
            assert "\n" not in node.refusal
            return node.refusal

        assert "nobody publishes /left/joint_states after 0.3 s" in refused()
        states = driver.create_publisher(JointState, "joint_states", newest_only())
        assert f"no controller listens on /left/{topic} after 0.3 s" in refused()
        driver.create_subscription(JointTrajectory, topic, print, newest_only())
        node.options = NodeOptions(**{**vars(options), "patience": 30.0})
        node.trigger_configure()
        assert node.refusal == ""
        assert node.runtime is not None
        node.trigger_cleanup()
        driver.destroy_publisher(states)
        # A signal ends the wait at once.
        node.options = NodeOptions(**{**vars(node.options), "interrupted": lambda: 1})
        assert "nobody publishes /left/joint_states" in refused()
        node.destroy_node()
        driver.destroy_node()
