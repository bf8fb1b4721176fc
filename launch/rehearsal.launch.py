"""Rehearse a bundle before it meets the arm: simulated plant, node and recorder.

The plant behaves like an arm under ``ros2_control``. When plant or node ends, the
launch ends. ``deploy.launch.py`` declares the other arguments; plant and node share
``namespace``, ``model`` and ``spec``.
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

VALUES = {
    "robot": "short name of the arm; empty where model and spec stand",
    "plant": "plant.yaml; empty for nominal",
    "rate": "joint states of the plant, 250 by default [Hz]",
    "speed": "simulated over real time; other than 1 needs sim_time:=true",
    "command_timeout": "silence after which velocities and efforts stop [s]",
    "task": "task whose tool and objects are there; empty for the bare arm",
    "seed": "of the task's first episode, 10000 by default",
}
"""Options of ``forearm plant``, handed on where they are not empty."""


def start_plant(context: LaunchContext) -> list[ExecuteProcess]:
    """Return the process of the plant for the arguments in ``context``."""
    command = ["forearm", "plant"]
    for name in (*VALUES, "model", "spec", "namespace"):
        value = LaunchConfiguration(name).perform(context)
        if value:
            command += [f"--{name.replace('_', '-')}", value]
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
            *(
                DeclareLaunchArgument(name, default_value="", description=words)
                for name, words in VALUES.items()
            ),
            # First what declares ``namespace``, which the plant shares.
            IncludeLaunchDescription(deploy),
            OpaqueFunction(function=start_plant),
        ]
    )
