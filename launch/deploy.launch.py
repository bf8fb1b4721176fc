"""Run a bundle on an arm whose driver is already up: policy node and recorder.

The same as ``forearm deploy``; ``ros2 launch forearm_bringup deploy.launch.py -s``
lists the arguments. When the node ends, the launch ends.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration

OPTIONS = ("namespace", "record", "backend", "authority", "clearance")
"""Arguments handed on as options of the same name, where they are not empty."""


def start_node(context: LaunchContext) -> list[ExecuteProcess]:
    """Return the process of the policy node for the arguments in ``context``."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    command = ["forearm", "deploy", value("bundle"), "--wait", "30"]
    for name in OPTIONS:
        if value(name):
            command += [f"--{name}", value(name)]
    if value("workspace"):
        command += ["--workspace", *value("workspace").split()]
    if value("shadow") == "true":
        command.append("--shadow")
    node = ExecuteProcess(
        cmd=command,
        name="forearm_policy",
        output="screen",
        on_exit=Shutdown(reason="the policy node has ended"),
    )
    return [node]


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node that depends on them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bundle", description="directory of the bundle"),
            DeclareLaunchArgument(
                "namespace", default_value="", description="namespace of the arm"
            ),
            DeclareLaunchArgument(
                "record", default_value="", description="rosbag2 log to write"
            ),
            DeclareLaunchArgument(
                "backend",
                default_value="auto",
                choices=["auto", "forward", "trajectory", "velocity", "effort"],
                description="controller that is commanded",
            ),
            DeclareLaunchArgument(
                "authority",
                default_value="1.0",
                description="share of the policy's motion that is commanded",
            ),
            DeclareLaunchArgument(
                "workspace",
                default_value="",
                description="XMIN XMAX YMIN YMAX ZMIN ZMAX that no command leaves [m]",
            ),
            DeclareLaunchArgument(
                "clearance",
                default_value="",
                description="least distance between two links of the arm [m]",
            ),
            DeclareLaunchArgument(
                "shadow",
                default_value="false",
                choices=["true", "false"],
                description="infer and log, command nothing",
            ),
            OpaqueFunction(function=start_node),
        ]
    )
