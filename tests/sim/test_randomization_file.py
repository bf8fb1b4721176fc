"""Randomization files say everything, come back the same, and are checked."""

import numpy as np
import pytest

from forearm.core.errors import FileError, UnknownNameError
from forearm.core.params import Covariance, make_params, save_params
from forearm.core.robots import get_robot
from forearm.sim.distributions import Choice, Constant, LogUniform, Normal, Uniform
from forearm.sim.posterior import Posterior
from forearm.sim.presets import PRESETS
from forearm.sim.quantities import all_nominal
from forearm.sim.randomization import Randomization, get_randomization
from forearm.sim.randomization_file import load_randomization, save_randomization
from forearm.sim.terms import Absolute, Additive, Multiplicative

ROBOT = get_robot("ur5e")

EVERYTHING = Randomization(
    {
        "kp": Multiplicative(Uniform((0.9,) * 6, 1.1)),
        "armature": Multiplicative(LogUniform(0.5, 2.0), shared=True),
        "coulomb": Additive(Normal(0.0, 0.1, -0.3, 0.3)),
        "encoder_step": Absolute(Choice((0.0, 1e-4))),
        "push_time": Absolute(Constant(0.2)),
        "push_force": Absolute(Uniform(-5.0, 5.0), every=0.5),
    },
    Posterior(("viscous[0]", "kv[2]"), ((0.1, 0.05), (0.05, 0.3)), mean=(8.0, 200.0)),
    robot="ur5e",
)


def write(tmp_path, text):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    return path


def test_what_is_saved_comes_back_the_same(tmp_path):
    path = tmp_path / "r.yaml"
    save_randomization(path, EVERYTHING, {"log": "monday.mcap"})
    loaded = load_randomization(path)
    assert dict(loaded.terms) == dict(EVERYTHING.terms)
    assert loaded.posterior == EVERYTHING.posterior
    assert loaded.robot == "ur5e"
    nominal = all_nominal(ROBOT)
    loaded.check(ROBOT, nominal)
    draws = [r.sample(np.random.default_rng(3), nominal) for r in (loaded, EVERYTHING)]
    for name in draws[0]:
        np.testing.assert_array_equal(draws[0][name], draws[1][name])


def test_a_preset_holds_where_the_file_says_nothing(tmp_path):
    path = write(
        tmp_path,
        "format: 1\npreset: light\nterms:\n"
        "  kp: {mode: scale, uniform: [0.5, 1.5]}\n"
        "posterior: {names: ['viscous[0]'], covariance: [[0.1]]}\n",
    )
    loaded = get_randomization(str(path))
    assert loaded.terms["kp"] == Multiplicative(Uniform(0.5, 1.5))
    assert loaded.terms["kv"] == PRESETS["light"].terms["kv"]
    assert "viscous" not in loaded.terms
    assert loaded.posterior is not None


def test_a_params_file_is_the_posterior_it_holds(tmp_path):
    path = tmp_path / "params.yaml"
    covariance = Covariance(
        names=["viscous[0]", "coulomb[0]"], matrix=[[0.04, 0.01], [0.01, 0.09]]
    )
    viscous, delay = ROBOT.vector("viscous") + 1.0, np.array([0.01])
    params = make_params(
        ROBOT,
        {
            "viscous": viscous,
            "coulomb": ROBOT.vector("coulomb"),
            "command_delay": delay,
        },
        std={"viscous": np.full(6, 0.5), "command_delay": np.array([2e-3])},
        covariance=covariance,
    )
    save_params(path, params)
    loaded = get_randomization(str(path))
    posterior = loaded.posterior
    assert posterior is not None
    spread = dict(
        zip(posterior.names, np.sqrt(np.diag(posterior.covariance)), strict=True)
    )
    assert spread["viscous[0]"] == pytest.approx(0.2)
    assert spread["viscous[1]"] == pytest.approx(0.5)
    assert spread["command_delay[0]"] == pytest.approx(2e-3)
    assert posterior.mean is not None
    assert posterior.mean[posterior.names.index("viscous[3]")] == viscous[3]
    assert loaded.robot == "ur5e"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: 2\n", "format"),
        ("term: {}\n", "term"),
        ("terms: {kq: {mode: set, constant: 1}}\n", "kq.*valid: armature"),
        ("terms: {kp: {mode: scale}}\n", "kp: needs exactly one"),
        ("terms: {kp: {mode: scale, constant: 1, choice: [1]}}\n", "got 2"),
        ("terms: {kp: {mode: scale, uniform: [1.2, 0.8]}}\n", "low 1.2"),
        ("terms: {kp: {mode: scale, uniform: [0.8, .nan]}}\n", "finite"),
        ("terms: {kp: {mode: times, constant: 1}}\n", "mode"),
        ("terms: {command_delay: {mode: set, constant: 1}}\n", r"\[0, 0.2\] s"),
        ("preset: huge\n", "valid: harsh, light, none, wide"),
        ("posterior: {names: ['kp[0]'], covariance: [[-1]]}\n", "semi-definite"),
        ("posterior: {names: ['kp'], covariance: [[1]]}\n", r"like kp\[0\]"),
        ("- 1\n", "dictionary"),
        ("a: [1\n", "does not parse"),
        ("params: {}\njoints: []\nrobot: ur5e\n", "no covariance"),
        ("!!python/object/apply:os.system ['true']\n", "does not parse"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(FileError, match=message) as error:
        get_randomization(str(path))
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_what_is_neither_preset_nor_file_is_refused():
    with pytest.raises(UnknownNameError, match="a YAML file, harsh, light, none, wide"):
        get_randomization("heavy")
    with pytest.raises(FileError, match="cannot be read"):
        get_randomization("missing.yaml")


def test_a_file_that_is_too_large_is_refused(tmp_path):
    path = write(tmp_path, "notes: {a: '" + "x" * 4_000_000 + "'}\n")
    with pytest.raises(FileError, match="larger than"):
        get_randomization(str(path))


def test_a_preset_asks_no_more_of_a_small_arm_than_its_maker_does():
    so101 = get_robot("so101")
    terms = get_randomization("harsh", so101).terms
    assert (terms["payload_mass"].low, terms["payload_mass"].high) == (0.0, 0.2)
    assert terms["push_force"].high == pytest.approx(9.80665 * 0.2)
    assert terms["push_force"].every == 1.0
    assert get_randomization("harsh", get_robot("ur10e")) == get_randomization("harsh")
