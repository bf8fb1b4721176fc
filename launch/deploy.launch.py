"""Run a bundle on an arm whose driver is already up: policy node and recorder.

The same as ``forearm deploy``: every option of it is an argument here, with ``_`` for
``-``. ``ros2 launch forearm_bringup deploy.launch.py -s`` lists them. When the node
ends, the launch ends.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration

VALUES = {
    "model": ("", "MJCF of your own arm, to check the bundle with"),
    "spec": ("", "its spec file, with model"),
    "namespace": ("", "namespace of the arm"),
    "name": ("", "name of the node, forearm_policy by default"),
    "record": ("", "rosbag2 log to write"),
    "driving": ("", "topic of the commands to compare with, in shadow"),
    "authority": ("1.0", "share of the policy's motion that is commanded"),
    "workspace": ("", "XMIN XMAX YMIN YMAX ZMIN ZMAX that no command leaves [m]"),
    "clearance": ("", "least distance between two links of the arm [m]"),
    "tool": ("", "LENGTH RADIUS of what was mounted on the tool frame [m]"),
    "wait": ("30", "for joint states [s]"),
    "seconds": ("", "end after this time [s]"),
    "verify_key": ("", "public key the bundle must be signed with"),
    "json": ("", "file for the last diagnostics"),
}
"""Options with a value: what is handed on where it is not empty, and what it is."""

CHOICES = {
    "backend": (
        ["auto", "forward", "trajectory", "velocity", "effort"],
        "controller that is commanded",
    ),
    "workspace_holds": (["tool", "arm"], "what has to stay inside the workspace"),
    "executor": (["single", "events"], "executor of the node"),
}
"""Options with one of a few values, the first of them by default."""

FLAGS = {
    "shadow": "infer and log, command nothing",
    "fallback": "take the authority back on trouble",
    "hold_when_shifted": "stop where inputs leave the training distribution",
    "no_realtime": "normal priority",
    "sim_time": "take time from /clock",
    "manual": "wait for lifecycle transitions",
}
"""Options without a value."""


def start_node(context: LaunchContext) -> list[ExecuteProcess]:
    """Return the process of the policy node for the arguments in ``context``."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    command = ["forearm", "deploy", value("bundle")]
    for name in (*VALUES, *CHOICES):
        if value(name):
            # Several numbers are several words to the command line.
            words = value(name).split() if name in ("workspace", "tool") else ()
            command += [f"--{name.replace('_', '-')}", *(words or [value(name)])]
    for name in FLAGS:
        if value(name) == "true":
            command.append(f"--{name.replace('_', '-')}")
    node = ExecuteProcess(
        cmd=command,
        name="forearm_policy",
        output="screen",
        on_exit=Shutdown(reason="the policy node has ended"),
    )
    return [node]


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the node that depends on them."""
    values = [
        DeclareLaunchArgument(name, default_value=default, description=words)
        for name, (default, words) in VALUES.items()
    ]
    choices = [
        DeclareLaunchArgument(
            name, default_value=several[0], choices=several, description=words
        )
        for name, (several, words) in CHOICES.items()
    ]
    flags = [
        DeclareLaunchArgument(
            name, default_value="false", choices=["true", "false"], description=words
        )
        for name, words in FLAGS.items()
    ]
    bundle = DeclareLaunchArgument("bundle", description="directory of the bundle")
    start = OpaqueFunction(function=start_node)
    return LaunchDescription([bundle, *values, *choices, *flags, start])
