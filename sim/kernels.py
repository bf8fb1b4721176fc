"""Compiled loops over simulations, each in one pass where numpy takes many.

Every function here is plain Python that numba compiles when the first batch steps, and
keeps on disk: beside this file, or in the user's cache where that is read-only. Nothing
is summed across simulations, so that a result depends neither on how many there are nor
on a simulation's place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]

ADD, SUB, MUL, DIV, MAX, MIN, SQRT, SIN, COS, TANH, ACOS, EXP, COPY = range(13)
"""Operations of a tape; those up to MIN have two operands."""

BLOCK = 256
"""Simulations that pass through a tape together: its rows then stay in the cache."""


@cache
def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function of this file as machine code.

    Arithmetic is done as written, by IEEE 754, so that results are those of numpy.
    """
    import numba  # Takes a third of a second, so only where a batch steps.

    make: Any = numba.njit(cache=True, error_model="numpy")
    return make(function)  # type: ignore[no-any-return]


def play(code: NDArray[np.int32], rows: Singles, count: int) -> None:
    """Do the operations of a tape, each on the first ``count`` columns of its rows.

    Args:
        code: operation, operands and result (k, 4); the latter three are rows.
        rows: one number of all simulations each, (rows, count or more).
        count: simulations.
    """
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        for operation, a, b, c in code:
            x, y, z = rows[a, start:stop], rows[b, start:stop], rows[c, start:stop]
            # What there is most of as loops, which become vector instructions.
            if operation == ADD:
                for i in range(len(z)):
                    z[i] = x[i] + y[i]
            elif operation == SUB:
                for i in range(len(z)):
                    z[i] = x[i] - y[i]
            elif operation == MUL:
                for i in range(len(z)):
                    z[i] = x[i] * y[i]
            elif operation == DIV:
                for i in range(len(z)):
                    z[i] = x[i] / y[i]
            elif operation == MAX:  # NaN passes, as in numpy.
                for i in range(len(z)):
                    z[i] = x[i] if x[i] > y[i] or x[i] != x[i] else y[i]
            elif operation == MIN:
                for i in range(len(z)):
                    z[i] = x[i] if x[i] < y[i] or x[i] != x[i] else y[i]
            elif operation == SQRT:
                np.sqrt(x, z)
            elif operation == SIN:
                np.sin(x, z)
            elif operation == COS:
                np.cos(x, z)
            elif operation == TANH:
                np.tanh(x, z)
            elif operation == ACOS:
                np.arccos(x, z)
            elif operation == EXP:
                np.exp(x, z)
            else:
                z[:] = x
