"""Loops over simulations: machine code does what its lines say."""

import numba
import numpy as np
import pytest

from forearm.sim.kernels import (
    compiled,
    disturb,
    friction_bound,
    mean_size,
    play_operator,
    read,
    sense,
)


def _gears(rng):
    qvel, torque = rng.normal(size=(5, 4)), rng.uniform(0.0, 2.0, (5, 3))
    drawn = [rng.uniform(0.1, 1.0, (5, 3)) for _ in range(4)]
    drawn[1][2] = 0.0
    return [qvel, np.array([3, 0, 1]), torque, *drawn, np.zeros((5, 4))]


def _torques(rng):
    return [rng.normal(size=(5, 7, 4)), np.array([3, 0, 1]), np.zeros((5, 3))]


def _play(rng):
    command, driven = rng.normal(size=(2, 5, 3))
    gap, ctrl = rng.uniform(0.0, 2.0, (5, 3)), np.zeros((5, 4))
    return [command.astype(np.float32), gap, driven, ctrl, np.array([3, 0, 1])]


def _readings(rng):
    ring = rng.normal(size=(4, 5, 6)).astype(np.float32)
    offset, step = rng.uniform(0, 0.1, (2, 5, 3)).astype(np.float32)
    step[1] = 0.0
    noise = rng.integers(-9000, 9000, (7, 5, 6)).astype(np.int16)
    scale = rng.uniform(0, 1e-4, (5, 6)).astype(np.float32)
    part, tick = rng.random(5).astype(np.float32), np.array([0, 3, 6, 7, 90])
    whole, ids = np.array([0, 1, 2, 1, 0]), np.array([4, 0, 3, 1])
    out = np.zeros((4, 6), np.float32)
    return [ring, 1, whole, part, offset, noise, scale, tick, step, ids, out]


def _period(rng):
    draws = [rng.random((7, 5)).astype(np.float32) for _ in range(3)]
    draws[2] = np.round(draws[2])
    tick, timestep = np.array([0, 3, 6, 7, 90]), np.full(5, 0.002)
    delay, nominal = rng.uniform(0.0, 0.1, 5), rng.uniform(0.0, 0.1, (5, 1))
    arrived, command = rng.random((2, 5, 3)).astype(np.float32)
    left, push = np.array([np.inf, 0.5, 0.02, 1e-9, np.inf]), rng.normal(size=(5, 6))
    start = [tick, *draws, timestep, 0.002, delay, nominal, 0.02]
    return [*start, arrived, command, left, push]


def _states(rng):
    qpos, qvel = rng.normal(size=(2, 5, 4))
    qpos[1, 2], qvel[2, 0] = np.nan, np.inf
    warning = np.zeros((5, 4), np.int32)
    warning[4, 3] = 1
    at = np.array([3, 0, 1]), np.array([2, 0, 3])
    return [qpos, qvel, warning, *at, np.zeros((5, 6), np.float32), np.zeros(5, bool)]


@pytest.mark.parametrize(
    ("kernel", "make"),
    [
        (friction_bound, _gears),
        (mean_size, _torques),
        (play_operator, _play),
        (sense, _readings),
        (disturb, _period),
        (read, _states),
    ],
)
def test_every_kernel_does_what_its_lines_do_in_python(kernel, make):
    given, expected = (make(np.random.default_rng(0)) for _ in range(2))
    kernel(*expected)
    compiled(kernel)(*given)
    untouched = make(np.random.default_rng(0))
    assert not all(np.array_equal(*pair) for pair in zip(given, untouched, strict=True))
    for played, line in zip(given, expected, strict=True):
        # Python adds a float32 to a number in float32, machine code in float64.
        np.testing.assert_allclose(played, line, rtol=2e-7)


def test_the_joints_are_read_and_what_left_the_numbers_or_warned_is_unsound():
    given = _states(np.random.default_rng(0))
    compiled(read)(*given)
    qpos, qvel, _, joints, dofs, motion, unsound = given
    assert unsound.tolist() == [False, True, True, False, True]
    expected = np.concatenate([qpos[:, joints], qvel[:, dofs]], axis=1)
    np.testing.assert_array_equal(motion, expected.astype(np.float32))


def test_what_stands_in_a_gap_is_moved_by_its_ends():
    command, gap, driven, ctrl, at = _play(np.random.default_rng(0))
    before = driven.copy()
    compiled(play_operator)(command, gap, driven, ctrl, at)
    expected = np.clip(before, command - 0.5 * gap, command + 0.5 * gap)
    np.testing.assert_array_equal(driven, expected)
    np.testing.assert_array_equal(ctrl[:, at], expected)
    assert not ctrl[:, 2].any()
    assert 0 < (driven == before).sum() < driven.size


def test_a_command_that_is_no_number_passes_and_others_do_not_notice():
    command, gap, driven, ctrl, at = _play(np.random.default_rng(0))
    whole = [a.copy() for a in (command, gap, driven, ctrl, at)]
    compiled(play_operator)(*whole)
    command[2, 1] = np.nan
    compiled(play_operator)(command, gap, driven, ctrl, at)
    expected = whole[2]
    expected[2, 1] = np.nan
    np.testing.assert_array_equal(driven, expected)
    np.testing.assert_array_equal(ctrl[:, at], expected)


def test_readings_are_late_shifted_noisy_and_rounded():
    rng = np.random.default_rng(3)
    *given, out = _readings(rng)
    ring, head, whole, part, offset, noise, scale, tick, step, ids = given
    compiled(sense)(*given, out)
    newer = ring[(head - whole[ids]) % 4, ids]
    older = ring[(head - whole[ids] - 1) % 4, ids]
    value = newer + (older - newer) * part[ids, None]
    value[:, :3] += offset[ids]
    value += noise[np.minimum(tick[ids], 6), ids] * scale[ids]
    unit = np.where(step[ids] > 0, step[ids], 1.0).astype(np.float32)
    rounded = np.where(
        step[ids] > 0, np.round(value[:, :3] / unit) * unit, value[:, :3]
    )
    np.testing.assert_array_equal(out, np.concatenate([rounded, value[:, 3:]], axis=1))
    given[5] = noise[:0]
    compiled(sense)(*given, out)
    assert not np.array_equal(out[:, 3:], value[:, 3:])


def test_friction_is_coulomb_stribeck_and_load():
    *given, out = _gears(np.random.default_rng(1))
    qvel, dofs, torque, coulomb, stribeck, velocity, load = given
    compiled(friction_bound)(*given, out)
    dip = stribeck * np.exp(-np.square(qvel[:, dofs] / velocity))
    np.testing.assert_allclose(out[:, dofs], coulomb + dip + load * torque, rtol=1e-12)
    assert not out[:, 2].any()
    rows, at, mean = _torques(np.random.default_rng(1))
    compiled(mean_size)(rows, at, mean)
    np.testing.assert_allclose(mean, np.abs(rows[:, :, at]).mean(axis=1), rtol=1e-12)


def test_a_period_is_uneven_its_command_late_or_lost():
    tick, *draws, timestep, step, delay, nominal, growth = (
        made := _period(np.random.default_rng(2))
    )[:-4]
    arrived, command, left, push = made[-4:]
    old, before, pushed = delay.copy(), arrived.copy(), push.copy()
    rest = (timestep, step, delay, nominal, growth, arrived, command, left, push)
    compiled(disturb)(tick, *draws, *rest)
    uneven, late, lost = (d[np.minimum(tick, 6), np.arange(5)] for d in draws)
    np.testing.assert_allclose(timestep, step * (1.0 + uneven), rtol=2e-7)
    expected = np.minimum(nominal[:, 0] + late, old + growth)
    np.testing.assert_allclose(delay, expected, rtol=2e-7)
    np.testing.assert_array_equal(arrived, np.where(lost[:, None], before, command))
    assert 0 < lost.sum() < 5
    np.testing.assert_allclose(left, [np.inf, 0.48, 0.0, np.inf, np.inf], atol=1e-12)
    assert not push[3].any()
    np.testing.assert_array_equal(np.delete(push, 3, 0), np.delete(pushed, 3, 0))
    kept = timestep.copy(), delay.copy()
    compiled(disturb)(tick, *(d[:0] for d in draws), *rest)
    np.testing.assert_array_equal(arrived, command)
    np.testing.assert_array_equal((timestep, delay), kept)


def test_where_nothing_can_be_kept_on_disk_it_is_compiled_all_the_same(monkeypatch):
    plain = numba.njit

    def picky(cache=False, **options):
        def make(function):
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return plain(**options)(function)

        return make

    monkeypatch.setattr(numba, "njit", picky)
    given = _states(np.random.default_rng(0))
    compiled.__wrapped__(read)(*given)
    assert given[-1].sum() == 3
