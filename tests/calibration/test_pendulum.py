"""A servo on a pendulum: the written-out equation is MuJoCo's, and the fit finds it."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import mujoco
import numpy as np
import pytest

from forearm.calibration.calibrate import calibrate
from forearm.calibration.evolve import evolve
from forearm.calibration.pendulum import Bench
from forearm.calibration.pendulum_native import project
from forearm.calibration.pendulum_search import SHARED, Search
from forearm.core.errors import ForearmError
from forearm.core.log import Floats, RunLog, make_log
from forearm.core.log_io import read_log
from forearm.core.params import nominal_values
from forearm.core.robots import get_robot
from forearm.core.robots.xl330 import P_GAIN, VOLTAGE
from forearm.sim.model import build_model

ROBOT = get_robot("xl330")
TRUTH = {
    "kp": np.array([[0.95]]),
    "kv": np.array([[0.04]]),
    "armature": np.array([[0.0018]]),
    "viscous": np.array([[0.006]]),
    "coulomb": np.array([[0.015]]),
    "command_delay": np.array([[0.005]]),
    "load_friction": np.array([[0.2]]),
    "load_quadratic": np.array([[0.35]]),
}
STAMPS = np.arange(0.0, 3.0, 0.005)


def bench_log(gain: float, command: Floats, position: Floats | None = None) -> RunLog:
    header = {"mass": 0.49, "length": 0.1, "kp": gain, "vin": VOLTAGE}
    rows = np.zeros(len(STAMPS)) if position is None else position
    return make_log(
        ROBOT.joint_names,
        STAMPS,
        rows[:, None],
        command_time=STAMPS,
        command=command[:, None],
        header=header,
        source=f"kp{gain:g}",
    )


def recorded(gain: float, rate: float) -> RunLog:
    """Record the truth with an encoder's steps, the start at rest at zero."""
    command = 1.2 * np.sin(rate * STAMPS)
    bench = Bench([bench_log(gain, command)])
    (rows,) = bench.at_samples(bench.run(TRUTH))
    step = 2 * np.pi / 4096
    return bench_log(gain, command, np.round(rows[0] / step) * step)


@pytest.mark.parametrize("limit", [None, 0.15])
def test_the_equation_is_what_mujoco_simulates(limit: float | None) -> None:
    names = ("kp", "kv", "armature", "viscous", "coulomb")
    values = nominal_values(ROBOT) | {name: TRUTH[name][0] for name in names}
    # MuJoCo's motor has its own back-EMF; the servo adds none.
    values["kv"] = ROBOT.vector("kv")
    values["load_friction"] = np.zeros(1)
    model = build_model(ROBOT, values, timestep=0.0005)
    if limit is not None:
        # Below the 0.14 Nm of the weight at 0.3 rad and what speeds it up.
        model.actuator_forcerange[:] = [-limit, limit]
        values["effort"] = np.array([limit])
        names = (*names, "effort")
    data, command = mujoco.MjData(model), 0.3 * np.sin(4.0 * STAMPS)
    found = []
    for row in command:
        found.append(data.qpos[0])
        data.ctrl[0] = row
        for _ in range(10):
            mujoco.mj_step(model, data)
    bench = Bench([bench_log(P_GAIN, command)])
    (rows,) = bench.at_samples(
        bench.run({name: values[name][:, None] for name in names})
    )
    # Held and interpolated commands are half a sample apart: 2.5 ms at 1.2 rad/s.
    assert np.abs(rows[0] - found).max() < 0.006
    assert np.ptp(found) > 0.3


def test_without_torque_the_pendulum_swings_free() -> None:
    log = bench_log(400.0, np.full(len(STAMPS), 0.5))
    start = np.full((len(STAMPS), 1), 0.5)
    off = dataclasses.replace(
        log, position=start, signals={"torque_enable": np.zeros_like(start)}
    )
    free = {name: np.zeros((1, 1)) for name in TRUTH} | {"kp": TRUTH["kp"]}
    (rows,) = Bench([off]).at_samples(Bench([off]).run(free))
    # A point pendulum of 0.1 m: 0.645 s a turn at this amplitude, 2 pi sqrt(l / g)
    # (1 + 0.5^2 / 16); at the first return it is within a few steps of the top.
    period = 2 * np.pi * np.sqrt(0.1 / 9.80665) * (1 + 0.5**2 / 16)
    turn = int(np.argmax(rows[0][60:180])) + 60
    assert STAMPS[turn] == pytest.approx(period, abs=0.01)
    assert rows[0].min() < -0.4


def test_the_law_is_found_and_predicts_a_gain_that_was_not_logged() -> None:
    logs = [recorded(gain, rate) for gain in (100, 800) for rate in (1.5, 3.0, 6.0)]
    result = calibrate(logs, ROBOT, held_logs=[recorded(300, 2.0)])
    assert result.after < 8.0
    assert result.after < 0.1 * result.before
    assert result.friction == "coulomb + viscous + load_friction + load_quadratic"
    assert result.params.covariance is not None
    for name in ("kp", "armature", "load_friction", "load_quadratic"):
        found = result.params.params[name]
        assert found.std is not None
        assert abs(found.value[0] - TRUTH[name][0, 0]) < 3 * found.std[0], name


def test_one_log_alone_cannot_judge_itself() -> None:
    with pytest.raises(ForearmError, match="second log"):
        calibrate([recorded(100, 2.0)], ROBOT)


def test_a_header_without_a_mass_is_refused() -> None:
    log = recorded(100, 2.0)
    del log.meta["header"]["mass"]
    with pytest.raises(ForearmError, match="'mass' is None"):
        calibrate([log, recorded(800, 2.0)], ROBOT)


def test_evolution_finds_the_bottom_of_a_narrow_valley() -> None:
    bottom = np.array([1.0, -2.0, 0.5])

    def valley(x: Floats) -> Floats:
        d = x - bottom
        return np.asarray(d[:, 0] ** 2 + 100 * (d[:, 1] + d[:, 0]) ** 2 + d[:, 2] ** 2)

    found = evolve(valley, 3, 80, 12, np.random.default_rng(0))
    np.testing.assert_allclose(found, bottom, atol=1e-3)


@pytest.mark.data
def test_a_real_servo_is_predicted_at_a_gain_that_was_not_fitted(
    forearm_data: Path,
) -> None:
    folder = forearm_data / "xl330" / "logs"
    held = [read_log(p, ROBOT) for p in sorted(folder.glob("kp200*"))]
    fitted = [read_log(p, ROBOT) for p in sorted(folder.glob("kp[18]00*"))]
    result = calibrate(fitted, ROBOT, held_logs=held)
    # Data sheet 161 to 171 mrad, one load coefficient more than Coulomb and viscous 42.
    assert result.after <= 40.0
    assert result.params.notes["mujoco_native_held_out"] <= 51.0


def test_the_native_law_follows_the_full_one_at_each_gain_and_between() -> None:
    logs = [recorded(gain, rate) for gain in (100, 800) for rate in (2.0, 4.0)]
    search = Search(ROBOT, (*SHARED, "load_friction"))
    best = np.zeros(len(search.names))
    native = project(ROBOT, logs, search, best)
    assert native.gains == pytest.approx([100, 200, 400, 800])
    command = [np.interp(STAMPS, log.command_time, log.command[:, 0]) for log in logs]
    asked = [bench_log(gain, command[0]) for gain in (100, 300, 800)]
    law = Bench(asked)
    law.aim([r[0] for r in law.at_samples(law.run(search.values(best[None])))])
    errors = native.errors(law, [100, 300, 800])
    # One set of numbers for all gains; between gains, as well as at them.
    single = [
        law.errors(native.at([gain] * 3))[0].mean() for gain in (100, 200, 400, 800)
    ]
    assert errors.mean() < 0.8 * min(single)
    rows = native.table()
    assert [row["p_gain"] for row in rows] == [100, 200, 400, 800]
    # A stiffer firmware is a stiffer actuator.
    assert all(a["kp"] < b["kp"] for a, b in itertools.pairwise(rows))
