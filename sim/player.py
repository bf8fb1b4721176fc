"""What plays a tape: operations on one number of many simulations at a time.

Plain Python that numba compiles, as in :mod:`forearm.sim.kernels`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]

ADD, SUB, MUL, DIV, MAX, MIN, SQRT, SIN, COS, TANH, ACOS, EXP, COPY = range(13)
"""Operations of a tape; those up to MIN have two operands."""

QUARTER = np.float32(2.0 / np.pi)
"""Quarter turns per radian."""

TURN = tuple(map(np.float32, (1.5703125, 4.837512969970703125e-4, 7.54978995489e-8)))
"""A quarter turn [rad] as a sum whose first terms have few digits, so that a multiple
of them is exact (Cody and Waite, 1980)."""

SINE = tuple(map(np.float32, (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4)))
COSINE = tuple(
    map(np.float32, (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5))
)
"""Minimax polynomials up to an eighth turn (Moshier, Cephes library, 1992)."""

WHOLE = np.float32(1.5 * 2**23)
"""What is added to a float32 and taken away again leaves a whole number."""

BLOCK = 256
"""Simulations that pass through a tape together: its rows then stay in the cache."""


def turn(rows_of: NDArray[np.int32], rows: Singles, count: int) -> None:
    """Write sines and cosines of angles, a tenth of the time of one by one.

    Right to 1e-7 up to a thousand turns.

    Args:
        rows_of: where an angle, its sine and its cosine are, (k, 3).
        rows: as for :func:`play`.
        count: simulations.
    """
    for angle, sine, cosine in rows_of:
        x, s, c = rows[angle, :count], rows[sine, :count], rows[cosine, :count]
        for i in range(count):
            quarters = (x[i] * QUARTER + WHOLE) - WHOLE
            rest = ((x[i] - quarters * TURN[0]) - quarters * TURN[1]) - quarters * TURN[
                2
            ]
            square, quarter = rest * rest, np.int32(quarters)
            a = SINE[0] + square * (SINE[1] + square * SINE[2])
            b = COSINE[0] + square * (COSINE[1] + square * COSINE[2])
            a = rest + rest * square * a
            b = (np.float32(1.0) - np.float32(0.5) * square) + square * square * b
            up, along = (b, a) if quarter & 1 else (a, b)
            s[i] = -up if quarter & 2 else up
            c[i] = -along if (quarter + 1) & 2 else along


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
