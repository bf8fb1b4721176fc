"""Viewer: one simulated arm live in the browser, its parameters under sliders."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import viser
from numpy.typing import NDArray

from forearm.core.robot import RobotSpec

from .loop import ArmLoop
from .presets import PRESETS
from .quantities import get_quantity
from .randomization import Randomization
from .tasks import Task
from .terms import Absolute, Multiplicative, Term
from .view_scene import ViewScene

Floats = NDArray[np.floating]
Policy = Callable[[Mapping[str, NDArray[np.float32]], NDArray[np.float32]], Any]

HOST = "127.0.0.1"
"""Only this machine sees the page; it moves nothing but a simulation."""

DRAW_EVERY = 2
"""Control periods per picture: 25 pictures per second at the usual 50 Hz."""

STEPS = 200
"""Positions of a slider."""

BY_HAND = 0.25
"""Fraction of the joint velocity limit at which sliders move the arm."""

ONE = np.zeros(1, np.intp)


class Viewer:
    """Runs one simulation in real time and shows it; sliders change its numbers.

    A browser's events arrive on other threads: they are queued, and the thread of
    :meth:`run` alone touches the simulation.
    """

    def __init__(
        self,
        robot: RobotSpec,
        task: type[Task],
        *,
        policy: Policy | None = None,
        randomization: Randomization | None = None,
        port: int = 8080,
        seed: int = 0,
    ) -> None:
        """Serve the page; the simulation stands still until :meth:`run`.

        Args:
            robot: the arm.
            task: gives target, tool and objects.
            policy: commands the arm; without one, a slider per joint does.
            randomization: the terms that get a slider; ``harsh`` where missing.
            port: TCP port; the next free one is taken where it is in use.
            seed: of the first episode.
        """
        self.loop = ArmLoop(robot, task, 1, nthread=1)
        self.loop.seed([seed])
        self._policy = policy
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        terms = (randomization or PRESETS["harsh"]).terms
        self.server = viser.ViserServer(HOST, port, "forearm", verbose=False)
        self.scene = ViewScene(self.server, self.loop.batch.model)
        self._panel(terms)
        self.new_episode()

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.server.get_port()}"

    def _panel(self, terms: Mapping[str, Term]) -> None:
        gui = self.server.gui
        self._status = gui.add_markdown("")
        again = gui.add_button("New episode")
        again.on_click(lambda _: self._events.put(self.new_episode))
        self._joints = []
        if self._policy is None:
            with gui.add_folder("Joint command [rad]"):
                self._joints = [self._joint(i) for i in range(self.loop.robot.n)]
        with gui.add_folder("Parameters"):
            self.sliders = {n: self._slider(n, term) for n, term in terms.items()}

    def _joint(self, i: int) -> Any:
        robot = self.loop.robot
        low, high = float(robot.lower[i]), float(robot.upper[i])
        home = float(np.clip(robot.home[i], low, high))
        name = robot.joint_names[i]
        return self.server.gui.add_slider(name, low, high, (high - low) / STEPS, home)

    def _slider(self, name: str, term: Term) -> Any:
        """Add the slider of one parameter; it moves all its values together."""
        low, high = float(np.min(term.low)), float(np.max(term.high))
        nominal, quantity = self.loop.nominal[name], get_quantity(name)
        scales = isinstance(term, Multiplicative)
        start = 1.0 if scales else 0.0
        if isinstance(term, Absolute):
            start = float(nominal.mean())
        low, high = min(low, start), max(high, start)
        label = f"{name} [times]" if scales else f"{name} [{quantity.unit}]"
        slider = self.server.gui.add_slider(
            label, low, high, (high - low) / STEPS, start, hint=quantity.meaning
        )

        def moved(event: Any) -> None:
            value = float(event.target.value)
            self._events.put(partial(self.set_parameter, name, term, value))

        slider.on_update(moved)
        return slider

    def set_parameter(self, name: str, term: Term, draw: float) -> None:
        """Put ``draw`` of a term in force: the value itself, or a factor on nominal."""
        nominal = self.loop.nominal[name]
        value = term.apply(nominal, np.full_like(nominal, draw))
        self.loop.set_values(ONE, {name: value[None]})

    def new_episode(self) -> None:
        """Start an episode with another start and goal."""
        self._observation = self.loop.reset()
        self._command = self.loop.batch.joint_pos.copy()
        for slider, position in zip(self._joints, self._command[0], strict=False):
            slider.value = float(position)

    def step(self) -> None:
        """Advance by one control period, after the browser's events."""
        while not self._events.empty():
            self._events.get()()
        if self._policy is not None:
            command = self._policy(self.loop.sensors, self._observation)
            self._observation = self.loop.step_command(command).observation
            return
        robot = self.loop.robot
        wanted = np.array([[slider.value for slider in self._joints]])
        most = BY_HAND * robot.vector("velocity") * self.loop.task.control_dt
        self._command += np.clip(wanted - self._command, -most, most)
        self.loop.batch.step(self._command)
        if self.loop.batch.unstable().any():
            self.new_episode()

    def draw(self) -> None:
        """Show the state as it is."""
        batch = self.loop.batch.batch
        target = {name: value[0] for name, value in self.loop.task.sensors().items()}
        mocap = None
        if self.loop.batch.model.nmocap:
            mocap = (batch.bind("mocap_pos")[0], batch.bind("mocap_quat")[0])
        contacts = self.scene.update(batch.bind("qpos")[0], target, mocap)
        who = "policy" if self._policy is not None else "joint sliders"
        text = f"{self.loop.robot.name}, {self.loop.task.name}: {who}, "
        text += f"{contacts} contacts"
        if text != self._status.content:
            self._status.content = text

    def run(self, stop: threading.Event) -> None:
        """Simulate and draw in real time until ``stop`` is set; closes the page.

        Where the machine is too slow the simulation runs slower and catches up nothing.
        """
        period, tick, due = self.loop.task.control_dt, 0, time.monotonic()
        try:
            while not stop.is_set():
                self.step()
                if tick % DRAW_EVERY == 0:
                    self.draw()
                tick += 1
                due = max(due + period, time.monotonic())
                stop.wait(due - time.monotonic())
        finally:
            self.server.stop()
