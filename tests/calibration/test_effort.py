"""A fit to efforts finds the friction, links and load that made them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forearm.calibration.chain import Chain, chain_of
from forearm.calibration.effort import EffortResult, calibrate_effort
from forearm.calibration.effort_envelope import effort_envelope
from forearm.calibration.effort_model import setup_of, start_of
from forearm.calibration.effort_report import write_effort_report
from forearm.calibration.identifiability import NO_SCALE
from forearm.calibration.ladder import Law
from forearm.calibration.linear import fit
from forearm.calibration.motion import motion_of
from forearm.calibration.payload import weigh
from forearm.calibration.regressor import regressor
from forearm.calibration.scale import scaled
from forearm.calibration.score import errors, noise_floor, smooth_errors
from forearm.calibration.smooth import local_slope
from forearm.core.errors import ForearmError, MismatchError
from forearm.core.inertia import moved, point_inertial, principal
from forearm.core.log import Floats, RunLog, make_log
from forearm.core.robots import get_robot
from forearm.sim.model import build_model

ROBOT = get_robot("ur10e")
GAIN = np.array([11.0, 12.0, 9.5, 10.5, 10.0, 11.5])
COULOMB, VISCOUS = np.array([12.0, 11, 7, 2, 2.5, 2]), np.array([12.0, 11, 8, 2, 2, 2])
ARMATURE, LOADED = np.array([5.0, 6, 1.5, 0.5, 0.5, 0.4]), 0.06
NOISE = 0.05


@cache
def chain() -> Chain:
    return chain_of(build_model(ROBOT), ROBOT)


def swing(seed: int, seconds: float = 20.0) -> tuple[Floats, Floats, Floats, Floats]:
    """Uneven stamps and a Fourier motion, exact to the second derivative."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.choice([0.01, 0.012], int(seconds * 91)))
    rate = 2 * np.pi * np.arange(1, 6) / seconds * 2
    size = rng.uniform(0.3, 1.0, (6, 5)) * np.array([1, 0.5, 0.8, 1, 1, 1])[:, None]
    size /= np.arange(1, 6)
    angle = rate * time[:, None, None] + rng.uniform(0, 6, (6, 5))
    center = [0, -1.5, 1.2, -1.5, -1.5, 0]
    return (
        time,
        center + (size * np.sin(angle)).sum(-1),
        (size * rate * np.cos(angle)).sum(-1),
        -(size * rate**2 * np.sin(angle)).sum(-1),
    )


def record(
    seed: int,
    load: float = 0.0,
    unit: str = "A",
    noise: float = 1.0,
    heavy: float = 1.0,
) -> RunLog:
    """Record an arm that is ``heavy`` times its data sheet, with a load [kg]."""
    time, qpos, qvel, qacc = swing(seed)
    numbers = heavy * chain().inertials
    if load:
        com = np.array([0.02, 0.0, 0.06])
        body = point_inertial(load, com, load * 0.004 * np.eye(3))
        numbers[-1] += moved(body, chain().tool_position, chain().tool_rotation)
    table = regressor(chain(), qpos, qvel, qacc).reshape(len(time), 6, -1)
    rigid = table @ numbers.ravel()
    torque = rigid + ARMATURE * qacc + VISCOUS * qvel
    torque += (COULOMB + LOADED * np.abs(rigid)) * np.sign(qvel)
    rng = np.random.default_rng(seed + 1000)
    effort = torque / GAIN + noise * NOISE * rng.normal(size=torque.shape)
    if unit == "Nm":
        effort = effort * GAIN
    # Fifteen-bit encoders and the controller's own velocity.
    qvel = qvel + 2e-4 * rng.normal(size=qvel.shape)
    return make_log(
        ROBOT.joint_names,
        time,
        qpos,
        qvel,
        effort,
        effort_unit="A" if unit == "A" else "Nm",
        source=f"swing {seed}",
    )


@cache
def fitted() -> EffortResult:
    return calibrate_effort([record(1)], ROBOT, [record(2)])


def test_the_slope_of_a_parabola_is_exact_on_uneven_stamps() -> None:
    time = np.cumsum(np.random.default_rng(0).uniform(0.008, 0.014, 300))
    value, slope = local_slope(time, (3 * time**2 - time)[:, None], 3)
    np.testing.assert_allclose(value[:, 0], 3 * time**2 - time, atol=1e-6)
    np.testing.assert_allclose(slope[:, 0], 6 * time - 1, atol=1e-4)


def test_friction_and_armature_are_found_in_proportion_to_the_gain() -> None:
    values = fitted().params.values(ROBOT)
    share = values["drive_gain"] / GAIN
    # Only the product is in the data; one part in ten is what the noise allows.
    np.testing.assert_allclose(values["armature"] / share, ARMATURE, rtol=0.1)
    np.testing.assert_allclose(values["viscous"] / share, VISCOUS, rtol=0.1)
    np.testing.assert_allclose(values["load_friction"][1:3], LOADED, rtol=0.3)
    held = errors(fitted().model, fitted().held)
    floor = 100 * NOISE / np.sqrt((record(2).effort ** 2).mean(axis=0))
    # Nothing but the sensor noise is left, to a tenth.
    assert (held < 1.1 * floor).all()


def test_the_plain_mujoco_model_has_no_other_terms() -> None:
    plain = {"armature", "coulomb", "viscous", "viscous_quadratic", "effort_offset"}
    assert all(set(terms) <= plain for terms in fitted().native.setup.terms)
    assert all(law.slip == 0 for law in fitted().native.setup.laws)


def test_every_fitted_link_is_a_body_that_can_exist() -> None:
    mass, _, _, moments = principal(fitted().model.inertials)
    assert (mass > 0).all()
    assert (moments.sum(axis=1) >= 2 * moments.max(axis=1)).all()
    for name in ("armature", "coulomb", "viscous", "load_friction"):
        assert (fitted().params.values(ROBOT)[name] >= 0).all()


def test_an_effort_that_asks_for_negative_inertia_gets_none() -> None:
    log, (_, _, _, qacc) = record(1), swing(1)
    odd = make_log(
        log.joints,
        log.time,
        log.position,
        log.velocity,
        log.effort - 3 * ARMATURE / GAIN * qacc,
        effort_unit="A",
    )
    setup = setup_of(chain(), [Law("viscous")] * 6, 0.0, GAIN, True)
    model = fit(setup, [motion_of(odd, chain(), 3)], start_of(setup))
    np.testing.assert_allclose(model.term("armature"), 0.0, atol=1e-12)
    assert (model.term("coulomb") > 0).all()


def test_a_joint_is_never_worse_than_nominal_on_held_out_data() -> None:
    # A log of another arm judges: every joint may lose, none may end up worse.
    odd = record(3)
    odd = make_log(
        odd.joints,
        odd.time,
        odd.position,
        odd.velocity,
        odd.effort[:, ::-1].copy(),
        effort_unit="A",
    )
    result = calibrate_effort([record(1)], ROBOT, [odd])
    for name, table in result.per_joint().items():
        assert table["after"] <= table["before"] + 1e-9, name
    assert any("nominal" in line for line in result.findings)


def test_the_ripple_of_a_gear_is_found_by_its_rate_and_size() -> None:
    log = record(6)
    rate, size = 2 * 101.0, 0.1
    wave = np.zeros_like(log.effort)
    wave[:, 3] = size * np.sin(rate * log.position[:, 3])
    rippled = make_log(
        log.joints,
        log.time,
        log.position,
        log.velocity,
        log.effort + wave,
        effort_unit="A",
    )
    result = calibrate_effort([rippled], ROBOT)
    values = result.params.values(ROBOT)
    # Half a step of the rates that are tried, and 20 % for the noise.
    assert values["effort_ripple_rate"][3] == pytest.approx(rate, abs=0.5)
    found = np.hypot(values["effort_ripple_cos"], values["effort_ripple_sin"])
    assert found[3] / values["drive_gain"][3] == pytest.approx(size, rel=0.2)
    assert "effort_ripple_rate" not in fitted().params.params


def test_the_noise_floor_is_the_noise_that_was_added() -> None:
    held = fitted().held
    truth = 100 * NOISE / np.sqrt((held[0].effort ** 2).mean(axis=0))
    # Some 1500 samples know a deviation to 3 %; a curve leaves a little of the motion.
    np.testing.assert_allclose(noise_floor(held), truth, rtol=0.1)


def test_a_filter_takes_the_noise_from_an_error_and_nothing_that_is_wrong() -> None:
    held, model = fitted().held, fitted().model
    assert (smooth_errors(model, held) < 0.8 * errors(model, held)).all()
    # All of the torque is missing: as much of it with noise and without.
    nothing: Any = type("Nothing", (), {"predict": lambda _, m: 0.0 * m.effort})()
    np.testing.assert_allclose(smooth_errors(nothing, held), 100.0, rtol=1e-6)


def test_what_a_current_cannot_tell_is_said_in_words() -> None:
    assert any("drive gain and link mass" in s for s in fitted().unidentifiable)
    assert fitted().params.params["drive_gain"].provenance == "guess"
    torque = calibrate_effort([record(1, unit="Nm")], ROBOT, [record(2, unit="Nm")])
    assert not any("drive gain" in s for s in torque.unidentifiable)
    np.testing.assert_allclose(torque.params.values(ROBOT)["drive_gain"], 1.0)


def test_a_load_is_weighed_with_gains_scaled_by_a_known_one() -> None:
    arm, bare = fitted().chain, fitted().model
    half = fitted().choice.half
    known = weigh(bare, arm, motion_of(record(4, load=3.0), arm, half), mass=3.0)
    found = weigh(bare, arm, motion_of(record(5, load=2.0), arm, half), gains=known)
    assert found.mass == pytest.approx(2.0, rel=0.03)
    assert found.interval[0] < 2.0 < found.interval[1]
    np.testing.assert_allclose(found.com, [0.02, 0, 0.06], atol=0.01)


def test_a_known_load_gives_the_scale_that_currents_leave_open() -> None:
    heavy = 1.25
    found = calibrate_effort([record(1, heavy=heavy)], ROBOT, [record(2, heavy=heavy)])
    log = record(4, load=3.0, heavy=heavy)
    motion = motion_of(log, found.chain, found.choice.half)
    out = scaled(found, weigh(found.model, found.chain, motion, mass=3.0))
    gains = [r.params.values(ROBOT)["drive_gain"] for r in (found, out)]
    # The last joint carries next to nothing.
    np.testing.assert_allclose(gains[0][:5], GAIN[:5] / heavy, rtol=0.05)
    np.testing.assert_allclose(gains[1][:5], GAIN[:5], rtol=0.05)
    values = out.params.values(ROBOT)
    np.testing.assert_allclose(values["viscous"][:5], VISCOUS[:5], rtol=0.1)
    factor = out.params.notes["scale"]["factor"]
    heavier = factor * found.model.inertials
    # But for the milligram that is welded to the tool for a payload.
    np.testing.assert_allclose(out.model.inertials, heavier, rtol=1e-5, atol=1e-12)
    # The same currents, a scale that is known, and nothing left to ask for.
    np.testing.assert_allclose(
        errors(out.model, out.held), errors(found.model, out.held), rtol=1e-5
    )
    assert NO_SCALE in found.unidentifiable
    assert NO_SCALE not in out.unidentifiable
    for result, origin in ((found, "guess"), (out, "measured")):
        assert result.params.params["drive_gain"].provenance in (origin, [origin] * 6)
    widths = [np.array(r.params.params["drive_gain"].std) for r in (found, out)]
    assert (widths[1] / gains[1] < widths[0] / gains[0]).all()


def test_a_truth_that_mujoco_cannot_hold_is_not_forced_on_it() -> None:
    table = fitted().as_json()["held_out"]
    assert table["after"] < table["native"] < table["before"]


def test_logs_in_different_units_or_without_effort_are_refused() -> None:
    with pytest.raises(MismatchError, match="unit of the effort"):
        calibrate_effort([record(1), record(2, unit="Nm")], ROBOT)
    log = record(1)
    bare = make_log(log.joints, log.time, log.position, log.velocity)
    with pytest.raises(ForearmError, match="no effort"):
        calibrate_effort([bare], ROBOT)


def test_the_efforts_lie_in_the_range_that_the_fit_predicts() -> None:
    found = effort_envelope(fitted(), np.random.default_rng(0))
    assert set(found.inside) == set(ROBOT.joint_names)
    assert min(found.inside.values()) > 0.85
    # Off by three times the noise: what was not predicted is not inside.
    moved = record(2).effort + 3 * NOISE + 0.2
    odd = dataclasses.replace(fitted().held[0].log, effort=moved)
    held = [motion_of(odd, chain(), fitted().choice.half)]
    moved_too = effort_envelope(
        dataclasses.replace(fitted(), held=held), np.random.default_rng(0)
    )
    assert min(moved_too.inside.values()) < 0.7


@pytest.mark.slow
def test_the_page_about_efforts_tells_everything(
    browse: Callable[[Path], Any], tmp_path: Path
) -> None:
    found = effort_envelope(fitted(), np.random.default_rng(0))
    load = {"known": False, "mass": 2.6, "interval_90": [2.4, 2.8], "com": [0, 0, 0.05]}
    path = tmp_path / "e.html"
    write_effort_report(path, fitted(), found, [{**load, "log": "x/heavy.csv"}])
    # Plotly's script alone is 4.8 million.
    assert path.stat().st_size < 6_000_000
    page = browse(path)
    charts = page.locator(".plotly-graph-div")
    # Errors by joint; measured, nominal, calibrated and the predicted range.
    assert charts.count() == 2
    assert charts.nth(1).locator(".trace").count() == 4 * ROBOT.n
    assert page.locator(".verdict p").count() == 3
    text = page.inner_text("body")
    held = fitted().as_json()["held_out"]
    for part in (held["before"], held["after"], held["native"]):
        assert f"{part:.3g} %" in text
    for sentence in fitted().unidentifiable:
        assert sentence in text
    assert "2.400 … 2.800" in text
    assert "heavy.csv" in text
    for joint, part in found.inside.items():
        assert joint in text
        assert f"{part:.1%}" in text
