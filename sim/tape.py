"""Record what core computes for one simulation, to play it for all of them at once.

``observe``, ``command`` and the kinematics are written once over the array API
(:mod:`forearm.core`): the exporter traces them with torch, here they are traced with
arrays whose elements are places on a tape. The tape is a list of operations on single
numbers, as in a reverse Polish calculator; zeros and ones among the constants of an arm
vanish and what is computed twice is kept. Playing it costs a batch a tenth of numpy's
time, for numpy pays per call and this per operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .player import (
    ACOS,
    ADD,
    COPY,
    COS,
    DIV,
    EXP,
    MAX,
    MIN,
    MUL,
    SIN,
    SQRT,
    SUB,
    TANH,
)

Places = NDArray[np.intp]

ZERO = 1e-12
"""Constants below are rounding of an angle like pi, not geometry [m or 1]."""

_FOLD: dict[int, Callable[..., Any]] = {
    ADD: np.add,
    SUB: np.subtract,
    MUL: np.multiply,
    DIV: np.divide,
    MAX: np.maximum,
    MIN: np.minimum,
    SQRT: np.sqrt,
    SIN: np.sin,
    COS: np.cos,
    TANH: np.tanh,
    ACOS: np.arccos,
    EXP: np.exp,
}


class Tape:
    """Operations in the order they were asked for, and the array API that asks."""

    __name__ = "tape"
    """Array API namespaces are modules, and have one."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.steps: list[tuple[int, int, int]] = []
        """Operation and places of its operands; inputs and constants have none."""
        self.constants: dict[int, np.float32] = {}
        """Value by place."""
        self._known: dict[tuple[Any, ...], int] = {}

    def input(self, shape: tuple[int, ...]) -> Traced:
        """Return an array of new places."""
        first = len(self.steps)
        self.steps += [(COPY, -1, -1)] * int(np.prod(shape))
        return Traced(self, np.arange(first, len(self.steps)).reshape(shape))

    def constant(self, value: float | np.float32) -> int:
        """Return the place of a constant."""
        number = np.float32(0.0 if abs(float(value)) < ZERO else value)
        place = self._known.setdefault(("constant", float(number)), len(self.steps))
        if place == len(self.steps):
            self.steps.append((COPY, -1, -1))
            self.constants[place] = number
        return place

    def place(self, operation: int, a: int, b: int) -> int:
        """Return the place of a result; one that is known is not computed again."""
        x, y = self.constants.get(a), self.constants.get(b)
        if x is not None and y is not None:
            operands = (x, y) if operation <= MIN else (x,)
            return self.constant(_FOLD[operation](*operands))
        simple = self._simple(operation, (a, x), (b, y))
        if simple is not None:
            return simple
        if operation in (ADD, MUL):
            a, b = min(a, b), max(a, b)
        place = self._known.setdefault((operation, a, b), len(self.steps))
        if place == len(self.steps):
            self.steps.append((operation, a, b))
        return place

    def _simple(
        self,
        operation: int,
        left: tuple[int, np.float32 | None],
        right: tuple[int, np.float32 | None],
    ) -> int | None:
        """Return where the result of a sum with 0 or a product with 0 or 1 is."""
        for (place, _), (_, value) in ((left, right), (right, left)):
            if value is None:
                continue
            if operation == MUL and value == 0:
                return self.constant(0.0)
            if (operation == ADD and value == 0) or (operation == MUL and value == 1):
                return place
            if operation == SUB and value == 0 and place == left[0]:
                return place
        return None

    def asarray(self, value: Any, **_: Any) -> Traced:
        """Return constants, or what is on the tape already."""
        if isinstance(value, Traced):
            return value
        numbers = np.asarray(value, np.float64)
        places = [self.constant(number) for number in numbers.ravel()]
        return Traced(self, np.array(places, np.intp).reshape(numbers.shape))

    def zeros_like(self, value: Traced) -> Traced:
        """Return zeros."""
        return self.asarray(np.zeros(value.places.shape))

    def concat(self, arrays: Sequence[Traced], axis: int = 0) -> Traced:
        """Return arrays one behind the other."""
        return Traced(self, np.concatenate([a.places for a in arrays], axis))

    def stack(self, arrays: Sequence[Traced], axis: int = 0) -> Traced:
        """Return arrays along a new axis."""
        return Traced(self, np.stack([a.places for a in arrays], axis))

    def clip(self, value: Traced, low: Any, high: Any) -> Traced:
        """Return the values, none outside ``low`` to ``high``."""
        return self.minimum(self.maximum(value, low), high)

    def maximum(self, a: Any, b: Any) -> Traced:
        """Return the larger one each."""
        return self.each(MAX, a, b)

    def minimum(self, a: Any, b: Any) -> Traced:
        """Return the smaller one each."""
        return self.each(MIN, a, b)

    def sum(self, a: Traced, axis: int) -> Traced:
        """Return the sum along an axis, in the order of its elements."""
        parts = np.moveaxis(a.places, axis, 0)
        return sum((Traced(self, part) for part in parts[1:]), Traced(self, parts[0]))

    def sqrt(self, a: Traced) -> Traced:
        """Return square roots."""
        return self.each(SQRT, a)

    def sin(self, a: Traced) -> Traced:
        """Return sines."""
        return self.each(SIN, a)

    def cos(self, a: Traced) -> Traced:
        """Return cosines."""
        return self.each(COS, a)

    def tanh(self, a: Traced) -> Traced:
        """Return hyperbolic tangents."""
        return self.each(TANH, a)

    def acos(self, a: Traced) -> Traced:
        """Return arc cosines."""
        return self.each(ACOS, a)

    def exp(self, a: Traced) -> Traced:
        """Return exponentials."""
        return self.each(EXP, a)

    def each(self, operation: int, a: Any, b: Any = None) -> Traced:
        """Return one operation on each element; arrays broadcast."""
        left = self.asarray(a).places
        right = left if b is None else self.asarray(b).places
        left, right = np.broadcast_arrays(left, right)
        pairs = zip(left.flat, right.flat, strict=True)
        places = [self.place(operation, int(x), int(y)) for x, y in pairs]
        return Traced(self, np.array(places, np.intp).reshape(left.shape))


@dataclass(frozen=True, eq=False)
class Traced:
    """Stands for an array while a tape is recorded: one simulation's, unbatched."""

    tape: Tape
    """What its arithmetic is recorded on."""
    places: Places
    """Where each element is."""
    dtype: Any = field(default=np.float32, repr=False)
    """Of the numbers that will be there."""
    device: str = field(default="cpu", repr=False)
    """Where they will be."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one simulation's array."""
        return self.places.shape

    def __array_namespace__(self, api_version: str | None = None) -> Tape:
        """Return the array API functions."""
        del api_version
        return self.tape

    def __getitem__(self, key: Any) -> Traced:
        """Return a part; nothing is computed."""
        return Traced(self.tape, np.asarray(self.places[key]))

    def __add__(self, other: Any) -> Traced:
        """Return the sum."""
        return self.tape.each(ADD, self, other)

    def __mul__(self, other: Any) -> Traced:
        """Return the product."""
        return self.tape.each(MUL, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> Traced:
        """Return the difference."""
        return self.tape.each(SUB, self, other)

    def __rsub__(self, other: Any) -> Traced:
        """Return the difference."""
        return self.tape.each(SUB, other, self)

    def __truediv__(self, other: Any) -> Traced:
        """Return the quotient."""
        return self.tape.each(DIV, self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        """Return the quotient."""
        return self.tape.each(DIV, other, self)

    def __neg__(self) -> Traced:
        """Return the negative."""
        return self * -1.0

    def __matmul__(self, other: Traced) -> Traced:
        """Return the product of a matrix with a matrix or vector."""
        columns = other.places.reshape(other.places.shape[0], -1)
        total: Any = 0.0
        for k, row in enumerate(columns):
            total = total + self[:, k, None] * Traced(self.tape, row[None])
        shape = (len(self.places), *other.places.shape[1:])
        return Traced(self.tape, total.places.reshape(shape))
