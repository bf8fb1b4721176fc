"""The plant's ROS shell: behaves like an arm under ``ros2_control``.

It publishes ``joint_states`` and takes both the forward position controller's and the
joint trajectory controller's topic, and the forward velocity and effort controllers'.
As those controllers do, it drops a whole message that has the wrong size or is not
finite, and holds the last command for ever: a velocity or an effort, too, unless
``command_timeout`` says when such a controller gives up.
"""

from __future__ import annotations

import math
import signal
import time
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
from forearm.core.ros import Spinner, leave, newest_only, session

from .plant import Plant
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
        self._command: Floats | None = None
        self._trajectory: Trajectory | None = None
        self._velocity: Floats | None = None
        self._effort: Floats | None = None
        self._timeout = options.command_timeout or math.inf
        self._heard = 0.0
        self.desk: TaskDesk | None = None
        """What the task adds; none where there is no task."""
        if on is not None:
            self.desk = TaskDesk(self, on, options.seed, options.rate, self._forget)
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

    def _forget(self) -> None:
        """Ask for nothing, as controllers that have just been started."""
        self._command = self._trajectory = self._velocity = self._effort = None

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
            self._effort, self._velocity = None, None
            self._command, self._trajectory = data, None

    def _on_velocity(self, message: Any) -> None:
        data = self._values(message)
        if data is not None:
            self._command = self.reference()
            self._trajectory, self._velocity, self._effort = None, data, None
            self._heard = self.plant.time

    def _on_effort(self, message: Any) -> None:
        data = self._values(message)
        if data is not None:
            # The position loop is off: there is no command to go on from.
            self._command = self._trajectory = self._velocity = None
            self._effort, self._heard = data, self.plant.time

    def _on_trajectory(self, message: Any) -> None:
        try:
            trajectory = Trajectory.from_message(
                message, self.plant.robot.joint_names, self.plant.time
            )
        except ValueError as error:
            self._drop(str(error))
            return
        self._hear()
        trajectory.start_from(self.plant.time, self.reference())
        self._trajectory, self._velocity, self._effort = trajectory, None, None

    def reference(self) -> Floats:
        """What the controllers ask of the servo now [rad], shape (n,)."""
        trajectory, command = self._trajectory, self._command
        if trajectory is not None:
            return trajectory.at(self.plant.time)
        if command is None or self._effort is not None:
            return self.plant.joint_pos
        return command

    def _drop(self, why: str) -> None:
        self.dropped += 1
        self.get_logger().error(f"command dropped: {why}", throttle_duration_sec=1.0)

    def cycle(self, duration: float) -> None:
        """Read the controllers, let ``duration`` [s] pass, publish the joint state."""
        if self.desk is None:
            self._cycle(duration)
            return
        with self.desk.lock:
            self._cycle(duration)
            self.desk.passed(duration)

    def _cycle(self, duration: float) -> None:
        trajectory = self._trajectory
        if trajectory is not None:
            self._command = trajectory.at(self.plant.time + duration)
        velocity = self._velocity
        command = self._command
        if velocity is not None and command is not None:
            if self.plant.time - self._heard > self._timeout:
                self._velocity = None
            else:
                self._command = command + velocity * duration
        # Messages come in another thread: each is looked at once.
        effort, command = self._effort, self._command
        if effort is not None:
            silent = self.plant.time - self._heard > self._timeout
            self.plant.command_effort(0 * effort if silent else effort)
        elif command is not None:
            self.plant.command(command)
        self.plant.advance(duration)
        self.publish()

    def publish(self) -> None:
        """Publish the joint state with the time it was measured."""
        reading, message = self.plant.read(), self._message
        if self._clock_topic is not None:
            clock = Clock()
            _set(clock.clock, self.plant.time)
            self._clock_topic.publish(clock)
            _set(message.header.stamp, reading.time)
        else:
            age = self.plant.time - reading.time
            now = self.get_clock().now().nanoseconds * 1e-9
            _set(message.header.stamp, now - age)
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
    stop = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stop.append(n))
    with session() as context:
        node = PlantNode(plant, options, context)
        spinner = Spinner(context, [node])
        try:
            _loop(node, options, stop)
        finally:
            spinner.stop()
            leave(node)
    return node.dropped


def _loop(node: PlantNode, options: PlantOptions, stop: list[int]) -> None:
    """Real-time (or scaled) loop with absolute deadlines; never bursts."""
    period = 1.0 / options.rate
    wall = period / options.speed
    start = deadline = time.monotonic()
    while not stop and not 0 < options.seconds <= time.monotonic() - start:
        node.cycle(period)
        deadline += wall
        remaining = deadline - time.monotonic()
        if remaining > 0:
            time.sleep(remaining)
        else:
            deadline = time.monotonic()
