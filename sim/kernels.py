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

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ids = NDArray[np.intp]

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


@cache
def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function of this file as machine code.

    Arithmetic is done as written, by IEEE 754, so that results are those of numpy.
    """
    import numba  # Takes the better part of a second, so only where a batch steps.

    kept: Any = numba.njit(cache=True, error_model="numpy")
    try:
        return kept(function)  # type: ignore[no-any-return]
    except RuntimeError:  # There is no folder that can be written to.
        return numba.njit(error_model="numpy")(function)


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


def sense(
    ring: Singles,
    head: int,
    whole: Ids,
    part: Singles,
    offset: Singles,
    noise: Singles,
    tick: Ids,
    step: Singles,
    ids: Ids,
    out: Singles,
) -> None:
    """Write delayed, shifted, noisy, rounded readings of ``ids`` to ``out``.

    Args:
        ring: true positions and velocities at control ticks, (depth, nsim, 2n).
        head: where in the ring the latest tick is.
        whole: delay in whole ticks, (nsim,).
        part: rest of the delay, in ticks, (nsim,).
        offset: of the positions [rad], (nsim, n).
        noise: drawn for each tick, (ticks, nsim, 2n), or no ticks.
        tick: control ticks since the start, (nsim,).
        step: that positions are rounded to [rad], (nsim, n); 0 for none.
        ids: simulations, (k,).
        out: positions and velocities, (k, 2n).
    """
    n, last = offset.shape[1], len(noise) - 1
    for k, i in enumerate(ids):
        newer = (head - whole[i]) % len(ring)
        older, now = (newer - 1) % len(ring), min(tick[i], last)
        for j in range(2 * n):
            value = ring[newer, i, j]
            value += (ring[older, i, j] - value) * part[i]
            if j < n:
                value += offset[i, j]
            if last >= 0:
                value += noise[now, i, j]
            if j < n and step[i, j] > 0:
                value = np.rint(value / step[i, j]) * step[i, j]
            out[k, j] = value


def disturb(
    tick: Ids,
    uneven: Singles,
    late: Singles,
    lost: Singles,
    timestep: Floats,
    nominal_timestep: float,
    delay: Floats,
    command_delay: Floats,
    longest_growth: float,
    arrived: Singles,
    command: Singles,
) -> None:
    """Disturb a control period of all simulations; what is not drawn stays as it is.

    Args:
        tick: control periods since the start, (nsim,).
        uneven: relative error of each period, (ticks, nsim), or no ticks.
        late: extra delay of each command [s], likewise.
        lost: whether each command is lost, likewise.
        timestep: the physics' [s], (nsim,); follows ``uneven``.
        nominal_timestep: without error [s].
        delay: of the last command [s], (nsim,); follows ``late``.
        command_delay: without extra [s], (nsim, 1).
        longest_growth: of a delay from one command to the next [s]: they keep order.
        arrived: last command that arrived [rad], (nsim, n); follows ``command``.
        command: what was sent [rad], (nsim, n).
    """
    for i in range(len(tick)):
        if len(uneven):
            error = uneven[min(tick[i], len(uneven) - 1), i]
            timestep[i] = nominal_timestep * (1.0 + error)
        if len(late):
            extra = late[min(tick[i], len(late) - 1), i]
            delay[i] = min(command_delay[i, 0] + extra, delay[i] + longest_growth)
        if len(lost) == 0 or lost[min(tick[i], len(lost) - 1), i] == 0:
            for j in range(command.shape[1]):
                arrived[i, j] = command[i, j]


def friction_bound(
    joint_vel: Floats,
    torque: Floats,
    coulomb: Floats,
    stribeck: Floats,
    stribeck_velocity: Floats,
    load_friction: Floats,
    out: Floats,
) -> None:
    """Write the bound of the gears' friction [Nm] to ``out``; all (nsim, n).

    Args:
        joint_vel: joint velocities [rad/s].
        torque: what the joints transmit [Nm].
        coulomb: Coulomb friction [Nm].
        stribeck: what is added at rest [Nm].
        stribeck_velocity: at which a third of that is left [rad/s].
        load_friction: friction per torque.
        out: the bounds.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            bound = coulomb[i, j] + load_friction[i, j] * abs(torque[i, j])
            ratio = joint_vel[i, j] / stribeck_velocity[i, j]
            if ratio * ratio < 40.0:  # Beyond, float64 rounds it away: e^-40.
                bound += stribeck[i, j] * np.exp(-ratio * ratio)
            out[i, j] = bound


def unsound(
    qpos: Floats, qvel: Floats, warning: NDArray[np.int32], out: NDArray[np.bool_]
) -> None:
    """Write which simulations raised a warning or left the numbers, (nsim,)."""
    for i in range(len(out)):
        bad = False
        for value in qpos[i]:
            bad |= not np.isfinite(value)
        for value in qvel[i]:
            bad |= not np.isfinite(value)
        for count in warning[i]:
            bad |= count != 0
        out[i] = bad
