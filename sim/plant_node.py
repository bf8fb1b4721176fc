"""The plant's ROS shell: behaves like an arm under ``ros2_control``.

It publishes ``joint_states`` and takes both the forward position controller's and the
joint trajectory controller's topic, and the forward velocity and effort controllers'.
As those controllers do, it drops a whole message that has the wrong size or is not
finite. At each update the state is read first and told with that time, then the newest
command goes to the servo.
"""

from __future__ import annotations

import math
import signal
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from forearm.core.robots import get_robot
from forearm.core.ros import Spinner, leave, newest_only, seconds, session

from .controllers import Controllers
from .plant import Plant
from .plant_loop import UnixTime, keep_time
from .plant_spec import PlantSpec, load_plant
from .plant_task import PlantTask
from .plant_task_node import TaskDesk
from .tasks import get_task
from .trajectory import Trajectory

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PlantOptions:
    """How a plant process runs."""

    robot: str
    """Short name."""
    plant: str | None = None
    """Path of ``plant.yaml``."""
    namespace: str = ""
    """Namespace of its topics."""
    rate: float = 250.0
    """Rate of ``joint_states`` [Hz]."""
    speed: float = 1.0
    """Simulated over real time; other than 1 publishes ``/clock``."""
    seconds: float = 0.0
    """Real time after which it ends; 0 for never [s]."""
    command_timeout: float = 0.0
    """Silence after which the velocity controller stops the arm and the effort
    controller asks for none; 0 for never [s]."""
    task: str | None = None
    """Task whose tool and objects are there; none for the bare arm."""
    seed: int = 10_000
    """Seed of the task's first episode."""


class PlantNode(Node):
    """Subscriptions and publishers of one plant, and of the task it is there for."""

    def __init__(
        self,
        plant: Plant | PlantTask,
        options: PlantOptions,
        context: Any,
    ) -> None:
        """Connect.

        Raises:
            LimitError: the rate is too low for the task.
        """
        super().__init__("plant", namespace=options.namespace, context=context)
        on = plant if isinstance(plant, PlantTask) else None
        self.plant: Plant = plant.plant if isinstance(plant, PlantTask) else plant
        names = self.plant.robot.ros
        self.dropped = 0
        """Commands dropped because they were malformed."""
        self._simulated = options.speed != 1.0
        self._unix, self._offset = UnixTime(), 0.0
        """The computer's time less the plant's, in real time [s]."""
        timeout = options.command_timeout or math.inf
        self.controllers = Controllers(self.plant, timeout)
        self.desk: TaskDesk | None = None
        """What the task adds; none where there is no task."""
        if on is not None:
            self.desk = TaskDesk(
                self, on, options.seed, options.rate, self.controllers.forget
            )
        self._states = self.create_publisher(JointState, names.joint_states, 10)
        self._clock_topic = (
            self.create_publisher(Clock, "/clock", newest_only())
            if self._simulated
            else None
        )
        n = self.plant.robot.n
        self._message = JointState(
            name=list(self.plant.robot.joint_names),
            position=[0.0] * n,
            velocity=[0.0] * n,
            effort=[0.0] * n,
        )
        self._listen()

    def _listen(self) -> None:
        """Take what the controllers take."""
        names = self.plant.robot.ros
        for controller, callback in (
            (names.position_controller, self._on_forward),
            (names.velocity_controller, self._on_velocity),
            (names.effort_controller, self._on_effort),
        ):
            topic = f"{controller}/commands"
            self.create_subscription(Float64MultiArray, topic, callback, newest_only())
        self.create_subscription(
            JointTrajectory,
            f"{names.trajectory_controller}/joint_trajectory",
            self._on_trajectory,
            newest_only(),
        )

    def _hear(self) -> None:
        if self.desk is not None:
            self.desk.hear()

    def _values(self, message: Any) -> Floats | None:
        data = np.array(message.data)
        if data.size == self.plant.robot.n and np.isfinite(data).all():
            self._hear()
            return data
        self._drop(f"{data.size} values, or not finite")
        return None

    def _on_forward(self, message: Any) -> None:
        data = self._values(message)
        if data is not None:
            self.controllers.position(data)

    def _on_velocity(self, message: Any) -> None:
        data = self._values(message)
        if data is not None:
            self.controllers.velocity(data)

    def _on_effort(self, message: Any) -> None:
        data = self._values(message)
        if data is not None:
            self.controllers.effort(data)

    def _on_trajectory(self, message: Any, info: Any) -> None:
        try:
            trajectory = Trajectory.from_message(
                message, self.plant.robot.joint_names, self._begin(message, info)
            )
        except ValueError as error:
            self._drop(str(error))
            return
        if trajectory.end < self.plant.time:
            self._drop("its end has passed already")
            return
        self._hear()
        self.controllers.follow(trajectory)

    def _begin(self, message: Any, info: Any) -> float:
        """Return the plant's time at which a trajectory begins [s].

        That is when it says; where it says nothing, when it arrived, long as it may
        have taken this interpreter to read.
        """
        at = seconds(message.header.stamp)
        if self._simulated:
            return at or self.plant.time
        arrived = 1e-9 * info.get("received_timestamp", 0) or time.time()
        return (at or arrived) - self._offset

    def _drop(self, why: str) -> None:
        self.dropped += 1
        self.get_logger().error(f"command dropped: {why}", throttle_duration_sec=1.0)

    def cycle(self, duration: float, count: int = 1, end: float | None = None) -> None:
        """Let ``count`` periods pass, then publish the joint state.

        Args:
            duration: period of the joint states [s].
            count: more than one where earlier ones are late.
            end: when they end, on the computer's steady clock; now if it is not said.
        """
        passed = self.plant.time + count * duration
        at = time.monotonic() if end is None else end
        self._offset = self._unix.at(at) - passed
        for _ in range(count):
            with self.desk.lock if self.desk is not None else nullcontext():
                self.controllers.pass_time(duration)
                if self.desk is not None:
                    self.desk.passed(duration)
        self.publish()

    def skip(self, duration: float) -> None:
        """Say that ``duration`` [s] of real time is left out."""
        self.get_logger().warning(
            f"late: {duration * 1e3:.0f} ms left out, in which the arm stood still",
            throttle_duration_sec=1.0,
        )

    def publish(self) -> None:
        """Publish the joint state with the time it was measured."""
        reading, message = self.plant.read(), self._message
        if self._clock_topic is not None:
            clock = Clock()
            _set(clock.clock, self.plant.time)
            self._clock_topic.publish(clock)
            _set(message.header.stamp, reading.time)
        else:
            _set(message.header.stamp, self._offset + reading.time)
        for i in range(self.plant.robot.n):
            message.position[i] = reading.position[i]
            message.velocity[i] = reading.velocity[i]
            message.effort[i] = reading.effort[i]
        self._states.publish(message)


def _set(stamp: Any, value: float) -> None:
    stamp.sec = math.floor(value)
    stamp.nanosec = min(int((value - stamp.sec) * 1e9), 999_999_999)


def run_plant(options: PlantOptions) -> int:
    """Run a plant until a signal; returns how many commands were dropped.

    Raises:
        ForearmError: the robot or the plant file is wrong.
    """
    robot = get_robot(options.robot)
    spec = load_plant(options.plant) if options.plant else PlantSpec()
    folder = Path(options.plant).parent if options.plant else None
    plant = (
        PlantTask(robot, get_task(options.task), spec, folder)
        if options.task
        else Plant(robot, spec, folder=folder)
    )
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    end = time.monotonic() + (options.seconds or math.inf)
    with session() as context:
        node = PlantNode(plant, options, context)
        spinner = Spinner(context, [node])
        try:
            keep_time(
                node,
                options.rate,
                options.speed,
                lambda: bool(stop) or time.monotonic() >= end,
            )
        finally:
            spinner.stop()
            leave(node)
    return node.dropped
