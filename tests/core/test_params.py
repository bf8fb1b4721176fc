"""Params: an exact round trip, and one sentence for a bad file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forearm.core.errors import FileError, UnknownNameError
from forearm.core.params import (
    KINDS,
    Covariance,
    load_params,
    make_params,
    nominal_values,
    save_params,
)
from forearm.core.robots import ROBOTS, get_robot

UR5E = get_robot("ur5e")
positive = st.floats(0, 1e300, allow_nan=False)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    viscous=arrays.arrays(np.float64, 6, elements=positive),
    std=arrays.arrays(np.float64, 6, elements=positive),
    delay=st.floats(0, 0.2),
)
def test_a_saved_file_loads_to_the_same_bits(
    tmp_path: Path, viscous: np.ndarray, std: np.ndarray, delay: float
) -> None:
    params = make_params(
        UR5E,
        {"viscous": viscous, "command_delay": delay},
        {"viscous": ["measured"] * 5 + ["guess"]},
        {"viscous": std},
        covariance=Covariance(names=["viscous[0]"], matrix=[[1 / 3]]),
        notes={"log": "run.mcap", "held_out": [0.1 + 0.2, 2e-308]},
    )
    path = tmp_path / "params.yaml"
    save_params(path, params)
    assert load_params(path, UR5E) == params


@pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
def test_nominal_values_are_valid_params(robot, tmp_path: Path) -> None:
    nominal = nominal_values(robot)
    assert set(nominal) == set(KINDS)
    save_params(tmp_path / "p.yaml", make_params(robot, nominal))
    loaded = load_params(tmp_path / "p.yaml", robot)
    for name, value in nominal.items():
        assert loaded.params[name].value == value.tolist(), name


def edit(tmp_path: Path, old: str, new: str) -> Path:
    """Write a valid file with one passage changed."""
    path = tmp_path / "params.yaml"
    save_params(path, make_params(UR5E, {"coulomb": [1.5] * 6, "base_tilt": [0, 0]}))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("robot: ur5e", "robot: panda", "ur5e"),
        ("1.5, ", "", "6 values"),
        ("1.5", ".nan", "finite"),
        ("1.5", ".inf", "finite"),
        ("1.5", "-1.5", "at least 0"),
        ("1.5", "much", "coulomb"),
        ("unit: Nm", "unit: mNm", "mNm"),
        ("coulomb:", "colomb:", "unknown parameter"),
        ("format: 1", "format: 2", "format"),
        ("provenance: guess", "provenance: known", "datasheet"),
        ("elbow_joint", "elbow", "elbow"),
        ("robot: ur5e", "robot: ur5e\ncolour: red", "colour"),
    ],
)
def test_a_bad_params_file_is_one_sentence(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    path = edit(tmp_path, old, new)
    with pytest.raises(FileError, match=reason) as error:
        load_params(path, UR5E)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_parameter_is_refused_with_the_valid_names() -> None:
    with pytest.raises(UnknownNameError, match="coulomb"):
        make_params(UR5E, {"stiction": [0.0] * 6})


@pytest.mark.parametrize(
    "matrix",
    [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.1], [0.2, 1.0]], [[np.nan]], [[1.0]]],
)
def test_a_matrix_that_is_no_covariance_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="covariance"):
        Covariance(names=["viscous[0]", "viscous[1]"], matrix=matrix)
