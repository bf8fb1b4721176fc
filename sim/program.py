"""Program: a function of one simulation, done for all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.interface import Interface
from forearm.core.kinematics import Kinematics

from .kernels import compiled
from .player import COPY, COS, MIN, SIN, play, turn
from .tape import Tape, Traced

Singles = NDArray[np.float32]

Function = Callable[[Mapping[str, Traced]], Mapping[str, Traced]]
"""From named arrays of one simulation to others, over the array API."""


Scorer = Callable[[Mapping[str, Traced]], dict[str, Traced]]
"""A task's score."""


class Program:
    """What a function does, played for up to ``nsim`` simulations in float32."""

    def __init__(
        self, function: Function, shapes: Mapping[str, tuple[int, ...]], nsim: int
    ) -> None:
        """Record ``function`` on inputs of the given shapes, without the batch's."""
        tape = Tape()
        given = {name: tape.input(shape) for name, shape in shapes.items()}
        results = function(given)
        self._inputs = {name: _rows(a.places.ravel()) for name, a in given.items()}
        wanted = [int(p) for array in results.values() for p in array.places.flat]
        inputs = sum(array.places.size for array in given.values())
        layout = _Layout(tape, inputs, wanted)
        first = layout.first
        self._results: list[tuple[str, slice, tuple[int, ...]]] = []
        for name, array in results.items():
            rows = slice(first, first + array.places.size)
            self._results.append((name, rows, array.places.shape))
            first = rows.stop
        self._turns = np.array(layout.turns, np.int32).reshape(-1, 3)
        self._code = np.array(layout.code, np.int32).reshape(-1, 4)
        self._values = np.zeros((layout.size, nsim), np.float32)
        for place, row in layout.constants.items():
            self._values[row] = tape.constants[place]

    def __call__(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Singles]:
        """Return new arrays (k, ...) for inputs (k, ...); others are ignored.

        Results with one dimension behind the first lie simulation by simulation in
        memory, those with more number by number.
        """
        values, count = self._values, 0
        for name, rows in self._inputs.items():
            array = arrays[name]
            count = len(array)
            if array.ndim > 2:
                array = array.reshape(count, -1)
            values[rows, :count] = array.T
        compiled(turn)(self._turns, values, count)
        compiled(play)(self._code, values, count)
        played = {}
        for name, rows, shape in self._results:
            part = values[rows, :count]
            if len(shape) == 1:
                played[name] = part.T.copy()
            else:
                whole = part.copy().reshape(*shape, count)
                played[name] = whole.transpose(-1, *range(len(shape)))
        return played


class _Layout:
    """Which row holds which place; rows whose number has been used are used again."""

    def __init__(self, tape: Tape, inputs: int, wanted: list[int]) -> None:
        """Lay out inputs, constants, results and what lies between them."""
        needed = _needed(tape, wanted)
        used = sorted(needed & tape.constants.keys())
        self.constants = {place: inputs + k for k, place in enumerate(used)}
        """Row by place."""
        self.first = inputs + len(used)
        """Row of the first result; the others follow."""
        self.size = self.first + len(wanted)
        """Number of rows."""
        self.code: list[tuple[int, int, int, int]] = []
        """Operation and rows of its operands and result."""
        self.turns: list[tuple[int, int, int]] = []
        """Rows of angles that come in, of their sines and cosines: done before."""
        self._row = {place: place for place in range(inputs)} | self.constants
        self._turn(tape, needed, inputs)
        homes = {place: self.first + k for k, place in enumerate(wanted)}
        self._write(tape, sorted(needed - self._row.keys()), homes)
        for k, place in enumerate(wanted, self.first):
            if self._row[place] != k:
                self.code.append((COPY, self._row[place], self._row[place], k))

    def _turn(self, tape: Tape, needed: set[int], inputs: int) -> None:
        angles: dict[int, dict[int, int]] = {}
        for place in needed:
            operation, angle, _ = tape.steps[place]
            if operation in (SIN, COS) and angle < inputs:
                angles.setdefault(angle, {})[operation] = place
        for angle, both in sorted(angles.items()):
            if len(both) == 2:
                rows = self.size, self.size + 1
                self._row |= {both[SIN]: rows[0], both[COS]: rows[1]}
                self.turns.append((angle, *rows))
                self.size += 2

    def _write(self, tape: Tape, order: list[int], homes: Mapping[int, int]) -> None:
        last = {p: place for place in order for p in _operands(tape, place)}
        row, free, kept = self._row, list[int](), self.size
        for place in order:
            if place in homes:
                row[place] = homes[place]
            else:
                row[place] = free.pop() if free else self.size
                self.size = max(self.size, row[place] + 1)
            operands = _operands(tape, place)
            rows = [row[p] for p in operands]
            self.code.append((tape.steps[place][0], rows[0], rows[-1], row[place]))
            free += {row[p] for p in operands if last[p] == place and row[p] >= kept}


def _needed(tape: Tape, wanted: list[int]) -> set[int]:
    """Return the places without which ``wanted`` cannot be computed."""
    needed, open_places = set[int](), list(wanted)
    while open_places:
        place = open_places.pop()
        if place not in needed:
            needed.add(place)
            open_places += _operands(tape, place)
    return needed


def _operands(tape: Tape, place: int) -> tuple[int, ...]:
    operation, a, b = tape.steps[place]
    return () if a < 0 else (a, b) if operation <= MIN else (a,)


def _rows(places: NDArray[np.intp]) -> slice:
    return slice(int(places[0]), int(places[-1]) + 1)


def command_program(interface: Interface, nsim: int) -> Program:
    """Return :meth:`Interface.command` from its sensors and ``action``.

    To ``command`` [rad], its ``velocity`` since the one before [rad/s] and ``action``
    without what lies outside [-1, 1].
    """
    sizes = {"action": interface.action_size, **interface.sensors}
    needed = ("action", "previous_command", "previous_command_vel")

    def command(given: Mapping[str, Traced]) -> dict[str, Traced]:
        action = given["action"].tape.clip(given["action"], -1.0, 1.0)
        command = interface.command(action, given)
        velocity = (command - given["previous_command"]) / interface.control_dt
        return {"command": command, "velocity": velocity, "action": action}

    return Program(command, {name: (sizes[name],) for name in needed}, nsim)


def observe_program(interface: Interface, score: Scorer, nsim: int) -> Program:
    """Return :meth:`Interface.observe`, the kinematics and a task's score as one.

    From the interface's sensors, ``true_pos``, the true joint positions [rad],
    ``action`` and ``previous_action`` to ``observation``, the true ``position`` [m] and
    ``rotation`` of the tool and what the score returns.
    """
    kinematics, n = Kinematics(interface.robot), interface.robot.n

    def observe(given: Mapping[str, Traced]) -> dict[str, Traced]:
        observation = interface.observe(given)
        pose = kinematics(given["true_pos"])
        true = {"position": pose.position, "rotation": pose.rotation}
        return {"observation": observation, **true, **score({**given, **true})}

    sizes = {"true_pos": n, "action": n, "previous_action": n, **interface.sensors}
    return Program(observe, {name: (size,) for name, size in sizes.items()}, nsim)
