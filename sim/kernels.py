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


@cache
def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function of this file or the tape's player as machine code.

    Arithmetic is done as written, by IEEE 754, so that results are those of numpy.
    """
    import numba  # Takes the better part of a second, so only where a batch steps.

    kept: Any = numba.njit(cache=True, error_model="numpy")
    try:
        return kept(function)  # type: ignore[no-any-return]
    except RuntimeError:  # There is no folder that can be written to.
        return numba.njit(error_model="numpy")(function)


def sense(
    ring: Singles,
    head: int,
    whole: Ids,
    part: Singles,
    offset: Singles,
    noise: NDArray[np.int16],
    scale: Singles,
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
        scale: unit of the noise, (nsim, 2n).
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
                value += noise[now, i, j] * scale[i, j]
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
    control_dt: float,
    arrived: Singles,
    command: Singles,
    push_left: Floats,
    push: Floats,
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
        control_dt: control period [s]; delays grow by no more from one command to the
            next: they keep order.
        arrived: last command that arrived [rad], (nsim, n); follows ``command``.
        command: what was sent [rad], (nsim, n).
        push_left: time until a push ends [s], (nsim,).
        push: its force [N] and torque [Nm], (nsim, 6).
    """
    for i in range(len(tick)):
        over = push_left[i] < 0.5 * control_dt
        push_left[i] = np.inf if over else push_left[i] - control_dt
        for j in range(6 if over else 0):
            push[i, j] = 0.0
        if len(uneven):
            error = uneven[min(tick[i], len(uneven) - 1), i]
            timestep[i] = nominal_timestep * (1.0 + error)
        if len(late):
            extra = late[min(tick[i], len(late) - 1), i]
            delay[i] = min(command_delay[i, 0] + extra, delay[i] + control_dt)
        if len(lost) == 0 or lost[min(tick[i], len(lost) - 1), i] == 0:
            for j in range(command.shape[1]):
                arrived[i, j] = command[i, j]


def mean_size(rows: Floats, at: Ids, out: Floats) -> None:
    """Write the mean of absolute values to ``out``, (nsim, n).

    Args:
        rows: numbers at several times, (nsim, times, m).
        at: which of the m count, (n,).
        out: the means.
    """
    times = rows.shape[1]
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0.0
            for k in range(times):
                total += abs(rows[i, k, at[j]])
            out[i, j] = total / times


def friction_bound(
    qvel: Floats,
    dofs: Ids,
    torque: Floats,
    coulomb: Floats,
    stribeck: Floats,
    stribeck_velocity: Floats,
    load_friction: Floats,
    frictionloss: Floats,
) -> None:
    """Write the bound of the gears' friction [Nm]; (nsim, n) each but two.

    Args:
        qvel: velocities [rad/s], (nsim, nv).
        dofs: where the joints are among them, (n,).
        torque: how much the joints transmit [Nm].
        coulomb: Coulomb friction [Nm].
        stribeck: what is added at rest [Nm].
        stribeck_velocity: at which a third of that is left [rad/s].
        load_friction: friction per torque.
        frictionloss: the bounds, (nsim, nv).
    """
    for i in range(torque.shape[0]):
        for j in range(torque.shape[1]):
            bound = coulomb[i, j] + load_friction[i, j] * torque[i, j]
            ratio = qvel[i, dofs[j]] / stribeck_velocity[i, j]
            if ratio * ratio < 40.0:  # Beyond, float64 rounds it away: e^-40.
                bound += stribeck[i, j] * np.exp(-ratio * ratio)
            frictionloss[i, dofs[j]] = bound


def play_operator(
    command: NDArray[np.floating], gap: Floats, driven: Floats, ctrl: Floats, at: Ids
) -> None:
    """Move what stands in the middle of a gap by the gap's ends, (nsim, n) each.

    Args:
        command: where the gap's middle moves to [rad].
        gap: its width [rad].
        driven: what stands in it [rad]; follows.
        ctrl: the same for the servos, to be written, (nsim, nu).
        at: where the joints' servos are among them, (n,).
    """
    for i in range(driven.shape[0]):
        for j in range(driven.shape[1]):
            half = 0.5 * gap[i, j]
            low, high = command[i, j] - half, command[i, j] + half
            moved = min(max(driven[i, j], low), high)
            if np.isnan(command[i, j]):  # Passes, so that the simulation is given up.
                moved = command[i, j]
            driven[i, j] = ctrl[i, at[j]] = moved


def read(
    qpos: Floats,
    qvel: Floats,
    warning: NDArray[np.int32],
    joints: Ids,
    dofs: Ids,
    motion: Singles,
    unsound: NDArray[np.bool_],
) -> None:
    """Write how the joints move and which simulations left the numbers or warned.

    Args:
        qpos: positions, (nsim, nq).
        qvel: velocities, (nsim, nv).
        warning: how often each was raised, (nsim, warnings).
        joints: where the joints are among the positions, (n,).
        dofs: where they are among the velocities, (n,).
        motion: their positions [rad] and velocities [rad/s], (nsim, 2n).
        unsound: what must be given up, (nsim,).
    """
    n = len(joints)
    for i in range(len(unsound)):
        bad = False
        for value in qpos[i]:
            bad |= not np.isfinite(value)
        for value in qvel[i]:
            bad |= not np.isfinite(value)
        for count in warning[i]:
            bad |= count != 0
        for j in range(n):
            motion[i, j] = qpos[i, joints[j]]
            motion[i, n + j] = qvel[i, dofs[j]]
        unsound[i] = bad
