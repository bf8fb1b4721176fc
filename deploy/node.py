"""PolicyNode: the rclpy lifecycle shell. Messages to arrays and back, nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from forearm.core.bundle import load_bundle
from forearm.core.contract import Contract
from forearm.core.errors import ForearmError
from forearm.core.geometry import Tool, Workspace
from forearm.core.ros import latched, newest_only, seconds
from forearm.core.timing import TOPIC

from .backends import Backend, command_topic, controller_of, kind_of, make_backend
from .control import ControlLoop
from .diagnostics import diagnostic_array, status_fields, timing_record
from .discovery import PATIENCE, await_robot
from .lifecycle_node import GuardedNode
from .runtime import Runtime
from .shadow import Shadow
from .shadow_node import listen
from .step import RuntimeOptions, Step
from .task_ros import follow_task
from .watchdog import JointSample

INBOX = 64
"""Messages kept between two periods: 5 ms periods and a 1 kHz robot need 5."""


@dataclass(frozen=True, kw_only=True)
class NodeOptions:
    """What the operator chooses about a node."""

    bundle: str
    """Directory of the bundle."""
    verify_key: str | None = None
    """Public key the bundle must be signed with, if any."""
    name: str = "forearm_policy"
    """Node name."""
    namespace: str = ""
    """Namespace of node and topics: one per arm."""
    backend: str = "auto"
    """``trajectory``, ``forward``, ``velocity`` or ``effort`` behind a guard process,
    or ``auto`` for what the contract says."""
    shadow: bool = False
    """Infer and log, command nothing."""
    driving: str = ""
    """In shadow: topic of the commands that drive, to compare with; where empty, the
    back-end's."""
    authority: float = 1.0
    """Share of the policy's motion that is commanded."""
    fallback: bool = False
    """Let trouble take the authority back; always so where it starts below 1."""
    hold_when_shifted: bool = False
    """Stop the arm where inputs leave the training distribution."""
    workspace: Workspace | None = None
    """Box that the commanded pose may not leave, besides the contract's."""
    clearance: float | None = None
    """Least distance between two links [m]; the contract's may be larger."""
    tool: Tool | None = None
    """What was mounted on the arm that its bundle does not know."""
    realtime: bool = True
    """Ask for real-time priority."""
    message_info: bool = True
    """Learn who published each joint state; the events executor cannot tell."""
    patience: float = PATIENCE
    """How long to look for the robot before it is missing [s]."""
    interrupted: Callable[[], bool] = lambda: False
    """Whether to look no longer."""


class PolicyNode(GuardedNode):
    """Runs one bundle on one arm."""

    def __init__(self, options: NodeOptions, context: Any) -> None:
        """Create the node, unconfigured."""
        super().__init__(options.name, namespace=options.namespace, context=context)
        self.options = options
        self.runtime: Runtime | None = None
        self.loop: ControlLoop | None = None
        self._inbox: deque[JointSample] = deque(maxlen=INBOX)
        self._backend: Backend | None = None
        self._shadow: Shadow | None = None
        self._entities: list[tuple[Callable[[Any], Any], Any]] = []
        self._said = ("", "")
        self._lock = threading.Lock()
        self.declare_parameter("authority", float(options.authority))
        self.add_on_set_parameters_callback(self._on_parameters)
        self._status = self.create_publisher(String, "~/status", latched())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._timing = self.create_publisher(String, f"~/{TOPIC}", 10)

    def _configure(self) -> None:
        options = self.options
        bundle = load_bundle(options.bundle, options.verify_key)
        contract = bundle.contract
        simulated = bool(self.get_parameter("use_sim_time").value)
        authority = float(self.get_parameter("authority").value)
        self.runtime = Runtime(
            bundle,
            RuntimeOptions(
                simulated_time=simulated,
                hold_when_shifted=options.hold_when_shifted,
                workspace=options.workspace,
                clearance=options.clearance,
                tool=options.tool,
                authority=authority,
                fallback=options.fallback or authority < 1.0,
            ),
        )
        self.runtime.shadow = options.shadow
        self._connect(contract)
        for subscription in follow_task(self, self.runtime):
            self._keep(self.destroy_subscription, subscription)
        publisher = self._backend.publisher if self._backend else None
        states = contract.arm.ros.joint_states
        await_robot(self, states, publisher, options.patience, options.interrupted)

    def _connect(self, contract: Contract) -> None:
        robot, joints = contract.arm, contract.joints
        self._inbox.clear()
        if not self.options.shadow:
            self._backend = make_backend(self, contract, self.options.backend)
            self._keep(self.destroy_publisher, self._backend.publisher)
        else:
            kind = self.options.backend
            kind = kind_of(contract) if kind == "auto" else kind
            topic = command_topic(kind, controller_of(contract, kind))
            topic = self.options.driving or topic
            self._shadow = Shadow(joints, contract.control_dt, topic)
            listener = listen(self, self._shadow)
            self._keep(self.destroy_subscription, listener)
        sent = "~/shadow_command" if self.options.shadow else "~/joint_command"
        self._sent = self.create_publisher(JointState, sent, 10)
        self._keep(self.destroy_publisher, self._sent)
        self._sent_message = JointState(name=joints, position=[0.0] * len(joints))
        qos = newest_only()
        for message, topic, callback in (
            (JointState, robot.ros.joint_states, self._joint_state_callback()),
            (Bool, "estop", self._on_estop_topic),
        ):
            subscription = self.create_subscription(message, topic, callback, qos)
            self._keep(self.destroy_subscription, subscription)
        service = self.create_service(Trigger, "~/estop", self._on_estop_service)
        self._keep(self.destroy_service, service)

    def _keep(self, destroy: Callable[[Any], Any], entity: Any) -> None:
        self._entities.append((destroy, entity))

    def _activate(self) -> None:
        runtime = self._configured()
        while self._inbox:
            runtime.on_joint_state(self._inbox.popleft())
        runtime.activate(time.monotonic())
        loop = ControlLoop(
            runtime,
            self._inbox,
            self._send,
            realtime=self.options.realtime,
            shadow=self._shadow,
        )
        loop.start()
        self.loop = loop

    def _deactivate(self) -> None:
        loop, self.loop = self.loop, None
        if loop is None:
            return
        orderly = loop.stop()
        self._publish_timing(self._configured(), loop)
        if not orderly:
            raise ForearmError("the control loop did not end in order")

    def _cleanup(self) -> None:
        with self._lock:
            self.runtime = self._backend = self._shadow = None
            entities, self._entities = self._entities, []
            failures = []
            for destroy, entity in entities:
                try:
                    destroy(entity)
                except Exception as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    def _configured(self) -> Runtime:
        if self.runtime is None:
            raise ForearmError("the node is not configured")
        return self.runtime

    def _joint_state_callback(self) -> Callable[..., None]:
        if self.options.message_info:
            return self._on_joint_state
        return lambda message: self._on_joint_state(message, {})

    def _on_joint_state(self, message: Any, info: Any) -> None:
        sample = JointSample(
            message.name,
            message.position,
            message.velocity,
            seconds(message.header.stamp),
            time.monotonic(),
            bytes(info["publisher_gid"]["data"]) if "publisher_gid" in info else b"",
            info.get("publication_sequence_number"),
        )
        self._inbox.append(sample)

    def _on_estop_topic(self, message: Any) -> None:
        if message.data and self.runtime is not None:
            self.runtime.estop("emergency stop topic")

    def _on_estop_service(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        if self.runtime is not None:
            self.runtime.estop("emergency stop service")
        response.success = True
        response.message = "stopped until deactivated and activated again"
        return response

    def _on_parameters(self, parameters: list[Any]) -> Any:
        for parameter in parameters:
            if parameter.name == "authority":
                value = parameter.value
                if not isinstance(value, float) or not 0.0 <= value <= 1.0:
                    return SetParametersResult(
                        successful=False, reason="authority must lie in [0, 1]"
                    )
                if self.runtime is not None:
                    self.runtime.authority.request(value)
            elif self.loop is not None:
                return SetParametersResult(
                    successful=False,
                    reason=f"{parameter.name} cannot change while the node is active",
                )
        return SetParametersResult(successful=True)

    def _send(self, step: Step) -> None:
        runtime = self._configured()
        if self._backend is not None:
            self._backend.send(step, runtime.limiter)
        message = self._sent_message
        message.header.stamp = self.get_clock().now().to_msg()
        for i, value in enumerate(step.command):
            message.position[i] = value
        self._sent.publish(message)
        fallen = runtime.authority.reason
        if (step.state.value, fallen) != self._said:
            self._said = step.state.value, fallen
            reason = step.reason or (fallen and f"authority fell back: {fallen}")
            self._publish_status({"state": step.state.value, "reason": reason})

    def _publish_status(self, content: dict[str, Any]) -> None:
        content["monotonic"] = time.monotonic()
        self._status.publish(String(data=json.dumps(content)))

    def _publish_timing(self, runtime: Runtime, loop: ControlLoop) -> None:
        record = timing_record(runtime, loop)
        self._timing.publish(String(data=record.model_dump_json()))

    def why_refused(self) -> str:
        """Return why the last transition was refused; empty if it was not."""
        return self.refusal

    def sees_state(self) -> bool:
        """Whether a joint state has come in."""
        return bool(self._inbox)

    def report(self) -> dict[str, str]:
        """Publish diagnostics and timing; called once a second by the process."""
        runtime, loop = self.runtime, self.loop
        if runtime is not None and loop is not None:
            self._publish_timing(runtime, loop)
            if not self.options.message_info:
                # Messages do not tell here who sent them, but the graph does.
                topic = runtime.contract.arm.ros.joint_states
                runtime.on_publishers(self.count_publishers(topic))
        fields = status_fields(runtime, loop)
        stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name().lstrip("/")
        self._diagnostics.publish(diagnostic_array(stamp, name, fields))
        return fields
