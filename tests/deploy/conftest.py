"""The sample bundle, a rig to break things in, and the table of what came of it."""

import json
import math
import os
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from forearm.core.files import write_atomic
from forearm.core.robots import get_robot
from forearm.deploy.judge import violations
from forearm.deploy.sample import sample_bundle
from forearm.deploy.supervisor import Process, Task, forearm
from forearm.sim.geometry import arm_geometry

MAX_AGE, PERIOD = 0.1, 0.02
"""Freshness budget and control period of the sample bundle [s]."""

SECTIONS = ("on the wire", "around the processes", "guard", "effort guard", "recorder")

INTRO = """# Fault matrix

Made by `tests/deploy/test_fault_*.py` when `FOREARM_WRITE_DOCS=1` is set: a plant
process and a policy node process at 50 Hz over real DDS on one computer, and between
them a proxy that breaks messages. The arm moves when the fault begins. *Reaction* is
the time from the fault to the state that stops the arm, both read from the clock of
the process that saw it; the freshness budget is 100 ms, and a state may be one period
old when it is used and one period under way. *Commands* reached the arm during the
case and 0.3 s before; *outside* counts breaches of position, velocity, acceleration or
jerk limits among them (behind a guard: of velocity or effort). *At rest* is said where
the arm has to stand at the end: the last commands are equal (no matter for efforts,
where the reaction is the time until it stands) and the joints move slower than 0.02
rad/s.
"""


@pytest.fixture(scope="session")
def robot():
    return get_robot("ur5e")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, robot):
    path = tmp_path_factory.mktemp("bundle") / "sample"
    return sample_bundle(path, robot, geometry=arm_geometry(robot))


@pytest.fixture(scope="session")
def fault_table():
    """Rows of docs/faults.md by section; written at the end if asked for."""
    rows = {section: [] for section in SECTIONS}
    yield rows
    # Only on request and only when complete, so that a test run leaves the checkout.
    if os.environ.get("FOREARM_WRITE_DOCS") and all(rows.values()):
        text = INTRO
        for section, found in rows.items():
            text += f"\n## {section.capitalize()}\n\n"
            columns = ("fault", "expected", "reaction", "at rest", "commands")
            text += f"| {' | '.join(columns)} | outside |\n|---|---|---|---|---|---|\n"
            for row in found:
                text += f"| {' | '.join(row)} |\n"
        write_atomic(Path(__file__).parents[2] / "docs" / "faults.md", text)


@contextmanager
def priority():
    """Run as a real robot's driver does, where permitted: rig, proxy and plant."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Rig:
    """An arm, a node that drives it, and everything that can be seen of the two."""

    def __init__(self, robot, bundle, folder, context, table):
        from geometry_msgs.msg import PoseStamped
        from lifecycle_msgs.srv import ChangeState
        from rclpy.node import Node
        from std_msgs.msg import String

        from forearm.core.ros import Spinner, latched, newest_only

        self.robot, self.bundle, self.folder = robot, bundle, folder
        self.contract, self.table = bundle.contract, table
        self.proxy, self.running = None, {}
        self.states = []
        self.swing = 0.3
        self.offset = 0.0
        self.node = Node("rig", context=context)
        self.node.create_subscription(
            String, "forearm_policy/status", self._on_status, latched()
        )
        self._target = self.node.create_publisher(
            PoseStamped, robot.ros.target, newest_only()
        )
        self._change = self.node.create_client(
            ChangeState, "forearm_policy/change_state"
        )
        self._request, self._pose = ChangeState.Request, PoseStamped()
        self._pose.pose.orientation.w = 1.0
        self.node.create_timer(0.05, self._move)
        self._spinner = Spinner(context, [self.node])

    def _on_status(self, message):
        content = json.loads(message.data)
        self.states.append((content["monotonic"], content["state"], content["reason"]))

    def _move(self):
        phase = self.offset + self.swing * math.sin(2.5 * time.monotonic())
        p = self._pose.pose.position
        p.x, p.y, p.z = phase, -phase, 0.6 * phase
        self._target.publish(self._pose)

    def make_driver(self, backend, *arguments):
        command = forearm("deploy", str(self.bundle.path), "--wait", "30")
        return Task(name="node", command=[*command, "--backend", backend, *arguments])

    def start(self, *tasks):
        for task in tasks:
            if task.name in self.running:
                self.running[task.name].stop()
            log = self.folder / f"{task.name}_{time.monotonic():.3f}.log"
            self.running[task.name] = Process(task, log)

    @property
    def budget(self):
        """Longest reaction [s]: a fault shows once the last good state is too old, at
        the next tick, and the message itself may be a period under way."""
        return MAX_AGE + 2 * PERIOD

    @property
    def state(self):
        return self.states[-1][1] if self.states else "none"

    def wait_for(self, wanted, since, timeout):
        """Wait for a state entered after ``since``; returns when it was, by its stamp.

        The timeout only ends a test that has failed anyway.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for at, state, _ in list(self.states):
                if state == wanted and at >= since:
                    return at
            time.sleep(0.005)
        raise AssertionError(f"no {wanted!r} in {self.states[-4:]} for {timeout} s")

    def wait_until_moving(self):
        """Wait until the policy drives and the witness sees motion [0.3 rad/s]."""
        end = time.monotonic() + 15
        while self.state != "run" or self.witness.speed() < 0.3:
            assert time.monotonic() < end, self.states[-4:]
            time.sleep(0.005)

    def transition(self, number):
        assert self._change.wait_for_service(timeout_sec=10.0)
        request = self._request()
        request.transition.id = number
        future = self._change.call_async(request)
        end = time.monotonic() + 10
        while not future.done() and time.monotonic() < end:
            time.sleep(0.01)
        assert future.done()
        return future.result().success

    def unlatch(self):
        """Deactivate and activate until the cause of the fault is forgotten."""
        assert self.transition(4)
        end = time.monotonic() + 10
        while not self.transition(3):
            assert time.monotonic() < end
            time.sleep(0.1)

    def ready(self):
        """Bring the arm into motion for the next case."""
        from forearm.deploy.chaos_node import untouched

        self.proxy.relay, self.proxy.second = untouched, False
        while self.proxy.onset is None:
            time.sleep(0.005)
        time.sleep(2 * PERIOD)  # the end of a fault can be one: a clock jumps back
        if self.state in ("fault", "estop"):
            time.sleep(1.1)  # until a second publisher is forgotten
            self.unlatch()
        end = time.monotonic() + 10
        while self.state != "run" or self.speed() < 0.1:
            assert time.monotonic() < end, self.states[-4:]
            time.sleep(0.01)
        self.proxy.commands.clear()
        time.sleep(0.3)

    def speed(self):
        """Speed of the command that reached the arm [rad/s]."""
        last = [c for _, _, c in self.proxy.commands[-2:]]
        return float(np.abs(np.diff(last, axis=0)).max()) / PERIOD if last[1:] else 0.0

    def settle(self, expected, onset, quiet=0.7):
        """Judge the state ``quiet`` [s] after the fault began, and that it stays."""
        time.sleep(max(0.0, onset + quiet - time.monotonic()))
        assert self.state == expected, self.states[-4:]

    def at_rest(self):
        """Assert that the command stands and the arm too."""
        assert self.speed() == 0.0
        assert np.abs(np.array(self.proxy.last.velocity)).max() < 0.02

    def judge(self, section, fault, expected, reaction=None, rest=False, commands=None):
        """Assert the limits over what reached the arm, and write the row."""
        sent = self.proxy.commands if commands is None else commands
        found = violations(sent, self.contract)
        self.table[section].append(
            (
                fault,
                expected,
                "" if reaction is None else f"{1e3 * reaction:.0f} ms",
                "yes" if rest else "",
                str(len(sent)),
                str(len(found)),
            )
        )
        assert found == []

    def stop(self):
        for process in reversed(self.running.values()):
            process.stop()
        self.running.clear()

    def close(self):
        self._spinner.stop()
        self.node.destroy_node()


PLANT = Task(
    name="plant", command=forearm("plant", "--robot", "ur5e", "--namespace", "inside")
)


@pytest.fixture(scope="session")
def arm_process():
    """The plant inside, behind a proxy."""
    return PLANT


@pytest.fixture(scope="module")
def make_rig(robot, bundle, tmp_path_factory, module_ros_domain, fault_table):  # noqa: ARG001
    """Maker of a rig without processes, as a context."""

    @contextmanager
    def make():
        from forearm.core.ros import session

        folder = tmp_path_factory.mktemp("rig")
        with priority(), session() as context:
            made = Rig(robot, bundle, folder, context, fault_table)
            try:
                yield made
            finally:
                made.stop()
                made.close()

    return make


@pytest.fixture(scope="module")
def rig(robot, make_rig):
    """A moving arm behind a proxy; tests that break processes start them anew."""
    from forearm.deploy.chaos_node import ChaosProxy

    with make_rig() as made:
        made.proxy = ChaosProxy(robot, made.node.context)
        made.plant = PLANT
        made.start(made.plant, made.make_driver("forward"))
        made.wait_for("run", 0.0, 30.0)
        yield made
        made.stop()
        made.proxy.close()
