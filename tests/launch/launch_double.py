"""A strict double of the part of ROS 2's ``launch`` that the launch files use.

``python launch_double.py FILE name:=value ...`` stands in for ``ros2 launch``: it
executes the true launch file and starts the processes it describes. Names and keywords
outside the part modelled here are errors. As in ``launch``, shutdown sends SIGINT to
every process, SIGTERM after 5 s and SIGKILL after 5 s more. It shows that the files say
what they mean; only the real ``launch`` shows that they work under ``ros2 launch``.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from forearm.deploy.supervisor import GRACE, Process, Task


def say(line: str) -> None:
    """Write a line at once, between those of the processes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class LaunchContext:
    """Values of the arguments, the file being executed, what has been started."""

    def __init__(self, values: dict[str, str]):
        self.launch_configurations = dict(values)
        self.folder = Path()
        self.running: list[tuple[ExecuteProcess, Process]] = []
        self.ending = ""


class LaunchConfiguration:
    def __init__(self, variable_name: str):
        self.name = variable_name

    def perform(self, context: LaunchContext) -> str:
        if self.name not in context.launch_configurations:
            raise LookupError(f"launch configuration '{self.name}' does not exist")
        return context.launch_configurations[self.name]


class ThisLaunchFileDir:
    def perform(self, context: LaunchContext) -> str:
        return str(context.folder)


def text(parts: object, context: LaunchContext) -> str:
    """Join strings and substitutions, as every argument of ``launch`` may have them."""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, LaunchConfiguration | ThisLaunchFileDir):
        return parts.perform(context)
    if isinstance(parts, list | tuple):
        return "".join(text(part, context) for part in parts)
    raise TypeError(f"neither text nor a substitution: {parts!r}")


class DeclareLaunchArgument:
    def __init__(
        self,
        name: str,
        *,
        default_value: str | None = None,
        description: str | None = None,
        choices: list[str] | None = None,
    ):
        if not description:
            raise TypeError(f"argument '{name}' has no description")
        self.name, self.default, self.choices = name, default_value, choices

    def execute(self, context: LaunchContext) -> None:
        values = context.launch_configurations
        if self.name not in values:
            if self.default is None:
                raise RuntimeError(f"required launch argument '{self.name}' is missing")
            values[self.name] = self.default
        if self.choices is not None and values[self.name] not in self.choices:
            raise RuntimeError(f"'{self.name}' must be one of {self.choices}")


class Shutdown:
    def __init__(self, *, reason: str = "reason not given"):
        self.reason = reason

    def execute(self, context: LaunchContext) -> None:
        context.ending = context.ending or self.reason


class ExecuteProcess:
    def __init__(
        self,
        *,
        cmd: Iterable[object],
        name: str | None = None,
        output: str = "log",
        on_exit: Shutdown | None = None,
    ):
        if output not in {"log", "screen", "both"}:
            raise ValueError(f"output '{output}'")
        self.cmd, self.name, self.on_exit = list(cmd), name, on_exit

    def execute(self, context: LaunchContext) -> None:
        command = [text(part, context) for part in self.cmd]
        say(f"{self.name}: {' '.join(command)}")
        task = Task(name=self.name or command[0], command=command)
        context.running.append((self, Process(task)))


class OpaqueFunction:
    def __init__(self, *, function: Callable[[LaunchContext], list | None]):
        self.function = function

    def execute(self, context: LaunchContext) -> None:
        for action in self.function(context) or []:
            action.execute(context)


class LaunchDescription:
    def __init__(self, initial_entities: Iterable | None = None):
        self.entities = list(initial_entities or [])

    def execute(self, context: LaunchContext) -> None:
        for entity in self.entities:
            entity.execute(context)


class PythonLaunchDescriptionSource:
    def __init__(self, launch_file_path: object):
        self.path = launch_file_path


class IncludeLaunchDescription:
    def __init__(self, launch_description_source: PythonLaunchDescriptionSource):
        self.source = launch_description_source

    def execute(self, context: LaunchContext) -> None:
        path = Path(text(self.source.path, context))
        outer, context.folder = context.folder, path.parent
        spec = importlib.util.spec_from_file_location("launch_file", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.generate_launch_description().execute(context)
        context.folder = outer


MODULES: dict[str, list[type]] = {
    "launch": [LaunchContext, LaunchDescription],
    "launch.actions": [
        DeclareLaunchArgument,
        ExecuteProcess,
        IncludeLaunchDescription,
        OpaqueFunction,
        Shutdown,
    ],
    "launch.launch_description_sources": [PythonLaunchDescriptionSource],
    "launch.substitutions": [LaunchConfiguration, ThisLaunchFileDir],
}


def install() -> None:
    """Put the double in the place of ``launch``, in this process only."""
    for name, members in MODULES.items():
        module = ModuleType(name)
        for member in members:
            setattr(module, member.__name__, member)
        sys.modules[name] = module


def run(context: LaunchContext, file: str) -> None:
    """Execute a launch file and watch its processes until one asks for the end."""

    def on_signal(number: int, _frame: object) -> None:
        context.ending = context.ending or signal.Signals(number).name

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        path = str(Path(file).resolve())
        IncludeLaunchDescription(PythonLaunchDescriptionSource(path)).execute(context)
        while not context.ending:
            for action, process in context.running:
                if process.status() is not None and action.on_exit is not None:
                    action.on_exit.execute(context)
            time.sleep(0.05)
    finally:
        end(context)


def end(context: LaunchContext) -> None:
    """End every process; say the status of each."""
    say(f"shutdown: {context.ending}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        left = [p for _, p in context.running if p.status() is None]
        for process in left:
            process.send(number)
        deadline = time.monotonic() + GRACE
        for process in left:
            process.wait(max(deadline - time.monotonic(), 0.0))
    for _, process in context.running:
        say(f"{process.task.name}: status {process.stop()}")


if __name__ == "__main__":
    install()
    given = dict(argument.split(":=", 1) for argument in sys.argv[2:])
    run(LaunchContext(given), sys.argv[1])
