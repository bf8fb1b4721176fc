"""Rehearse a bundle before it meets the arm: simulated plant, node and recorder.

The plant behaves like an arm under ``ros2_control``. When plant or node ends, the
launch ends. ``deploy.launch.py`` declares the other arguments.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir


def start_plant(context: LaunchContext) -> list[ExecuteProcess]:
    """Return the process of the plant for the arguments in ``context``."""
    command = ["forearm", "plant"]
    for name in ("robot", "plant", "namespace"):
        value = LaunchConfiguration(name).perform(context)
        if value:
            command += [f"--{name}", value]
    plant = ExecuteProcess(
        cmd=command,
        name="forearm_plant",
        output="screen",
        on_exit=Shutdown(reason="the plant has ended"),
    )
    return [plant]


def generate_launch_description() -> LaunchDescription:
    """Return the plant and what ``deploy.launch.py`` starts."""
    deploy = PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/deploy.launch.py"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("robot", description="short name of the arm"),
            DeclareLaunchArgument(
                "plant", default_value="", description="plant.yaml; empty for nominal"
            ),
            # First what declares ``namespace``, which the plant shares.
            IncludeLaunchDescription(deploy),
            OpaqueFunction(function=start_plant),
        ]
    )
