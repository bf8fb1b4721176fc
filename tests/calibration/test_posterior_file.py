"""Randomization from a posterior: narrow where known, wide where not, physical."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forearm.calibration.posterior_file import posterior_randomization
from forearm.core.params import Covariance, Params, make_params, nominal_values
from forearm.core.robots import get_robot
from forearm.sim.randomization_file import load_randomization, save_randomization

ROBOT = get_robot("ur5e")
NOMINAL = nominal_values(ROBOT)


def params() -> Params:
    """kp measured and tied to kv, armature a guess of 150 %."""
    kp, kv = 0.01 * NOMINAL["kp"][0], 0.02 * NOMINAL["kv"][0]
    cross = 0.9 * kp * kv
    return make_params(
        ROBOT,
        {name: NOMINAL[name] for name in ("kp", "kv", "armature")},
        {
            "kp": ["measured", *["guess"] * 5],
            "kv": ["measured", *["guess"] * 5],
            "armature": "guess",
        },
        {
            "kp": [kp, *NOMINAL["kp"][1:]],
            "kv": [kv, *NOMINAL["kv"][1:]],
            "armature": 1.5 * NOMINAL["armature"],
        },
        covariance=Covariance(
            names=["kp[0]", "kv[0]"], matrix=[[kp**2, cross], [cross, kv**2]]
        ),
    )


def draws(count: int = 400) -> dict[str, np.ndarray]:
    found = posterior_randomization(params(), ROBOT)
    rng = np.random.default_rng(0)
    sets = [found.sample(rng, NOMINAL) for _ in range(count)]
    return {name: np.array([s[name] for s in sets]) for name in sets[0]}


def test_what_was_measured_varies_little_and_together() -> None:
    drawn = draws()
    kp, kv = drawn["kp"][:, 0], drawn["kv"][:, 0]
    assert abs(kp.std() / NOMINAL["kp"][0] - 0.01) < 0.002
    # Truncation at three sigma leaves a correlation of 0.9 as it is.
    assert np.corrcoef(kp, kv)[0, 1] > 0.85


def test_what_is_a_guess_varies_widely_and_stays_physical() -> None:
    drawn = draws()
    for name in ("kp", "armature"):
        rest = drawn[name][:, 1:] / NOMINAL[name][1:]
        assert (rest.std(axis=0) > 0.4).all()
        assert (rest >= 0.1 - 1e-9).all()
    # Nobody measured the load: it varies as for an unknown arm.
    assert np.ptp(drawn["payload_mass"]) > 1.5


def test_the_file_is_what_training_reads(tmp_path: Path) -> None:
    found = posterior_randomization(params(), ROBOT)
    save_randomization(tmp_path / "r.yaml", found)
    again = load_randomization(tmp_path / "r.yaml")
    a, b = (f.sample(np.random.default_rng(3), NOMINAL) for f in (found, again))
    assert set(a) == set(b)
    for name, value in a.items():
        np.testing.assert_allclose(b[name], value)


def test_a_fit_to_efforts_varies_links_and_friction_but_not_the_sensor() -> None:
    names = ["link_log_mass[1]", "coulomb[1]", "drive_gain[1]"]
    size = np.array([0.02, 0.5, 0.3])
    tie = np.array([[1, 0.8, 0.5], [0.8, 1, 0.5], [0.5, 0.5, 1]])
    found = posterior_randomization(
        make_params(
            ROBOT,
            {
                "link_log_mass": np.zeros(6),
                "link_shift_x": np.zeros(6),
                "coulomb": NOMINAL["coulomb"],
                "drive_gain": np.full(6, 10.0),
                "effort_offset": np.full(6, 0.1),
            },
            std={
                "link_log_mass": [0.05, 0.02, 0.05, 0.05, 0.05, 0.05],
                "link_shift_x": [1e-9] * 6,
                "coulomb": [0.5] * 6,
                "drive_gain": [0.3] * 6,
                "effort_offset": [0.1] * 6,
            },
            covariance=Covariance(
                names=names, matrix=(tie * np.outer(size, size)).tolist()
            ),
        ),
        ROBOT,
    )
    rng = np.random.default_rng(0)
    sets = [found.sample(rng, NOMINAL) for _ in range(300)]
    drawn = {name: np.array([s[name] for s in sets]) for name in sets[0]}
    # The sensor's own numbers move nothing, and a link's mass must not vary twice.
    assert not {"drive_gain", "effort_offset", "link_mass_scale"} & set(drawn)
    # What the fit held to the data sheet has a width that moves nothing.
    assert "link_shift_x" not in drawn
    mass, friction = drawn["link_log_mass"][:, 1], drawn["coulomb"][:, 1]
    assert np.corrcoef(mass, friction)[0, 1] > 0.7
    assert drawn["link_log_mass"][:, 0].std() > 2 * mass.std()
    # Efforts say nothing of servo and delay: as wide as for an unknown arm.
    assert np.ptp(drawn["command_delay"]) > 0.04
    assert (np.ptp(drawn["kp"], axis=0) > 0.5 * NOMINAL["kp"]).all()
