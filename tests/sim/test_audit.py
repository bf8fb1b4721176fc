"""The audit passes what is right and catches each defect that is put in on purpose."""

import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.robots import get_robot
from forearm.sim import audit as audit_module
from forearm.sim import batch as batch_module
from forearm.sim.audit import AuditError, audit
from forearm.sim.batch import ArmBatch
from forearm.sim.distributions import LogUniform, Normal, Uniform
from forearm.sim.fields import FieldMap
from forearm.sim.friction import Friction
from forearm.sim.posterior import Posterior
from forearm.sim.presets import PRESETS
from forearm.sim.randomization import Randomization
from forearm.sim.sensing import Sensing
from forearm.sim.tasks import get_task
from forearm.sim.terms import Absolute, Additive, Multiplicative

ROBOT = get_robot("ur5e")

SOME = Randomization(
    {
        "link_mass_scale": Multiplicative(Uniform(0.8, 1.2)),
        "payload_mass": Absolute(Uniform(0.1, 1.0)),
        "armature": Multiplicative(LogUniform(0.5, 2.0)),
        "viscous": Multiplicative(Uniform(0.5, 2.0)),
        "coulomb": Additive(Normal(0.0, 0.2)),
        "kp": Multiplicative(Uniform(0.8, 1.2)),
        "kv": Multiplicative(Uniform(0.5, 0.9)),
        "encoder_offset": Absolute(Uniform(-0.01, 0.01), shared=True),
        "load_friction": Absolute(Uniform(0.05, 0.2)),
    }
)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """Fewer simulations: the thresholds are statistical and know the number."""
    monkeypatch.setattr(audit_module, "DRAWS", 48)
    monkeypatch.setattr(audit_module, "MOVERS", 4)
    monkeypatch.setattr(audit_module, "STEPS", 15)


def failures(randomization=SOME):
    return audit(ROBOT, get_task("reach"), randomization).failures


@pytest.mark.parametrize("name", ["wide", "harsh"])
def test_the_presets_pass(name):
    assert failures(PRESETS[name]) == []


def test_a_posterior_passes():
    names = ("viscous[0]", "coulomb[0]")
    assert failures(Randomization(posterior=Posterior(names, ((1, 0), (0, 1))))) == []


def test_a_value_of_a_posterior_that_moves_nothing_is_caught_by_name():
    names = ("viscous[0]", "link_shift_x[3]")
    tiny = Randomization(posterior=Posterior(names, ((1, 0), (0, 1e-20))))
    assert failures(tiny) == [
        "link_shift_x: changes nothing: the closed loop moves as without it"
    ]


def fails(text):
    found = failures()
    assert any(text in line for line in found), found


def test_without_a_defect_nothing_fails():
    assert failures() == []


def test_a_value_in_the_wrong_field_is_caught(monkeypatch):
    plain = FieldMap._make_fields

    def swapped(self):
        made = plain(self)
        place, write = made["dof_damping"]
        other_place, other_write = made["dof_frictionloss"]
        made["dof_damping"] = place, other_write
        made["dof_frictionloss"] = other_place, write
        return made

    monkeypatch.setattr(FieldMap, "_make_fields", swapped)
    fails("viscous: the compiled model holds another value")


def test_a_forgotten_set_const_is_caught(monkeypatch):
    monkeypatch.setattr(batch_module, "CONST_FIELDS", set())
    fails("link_mass_scale: derived constants do not follow")


def test_values_that_compound_over_resets_are_caught(monkeypatch):
    plain = ArmBatch.set_values

    def compounding(self, ids, values):
        if "kp" in values and len(values) == 1:
            before = self.values["kp"][ids] / ROBOT.vector("kp")
            values = {"kp": values["kp"] * before}
        plain(self, ids, values)

    monkeypatch.setattr(ArmBatch, "set_values", compounding)
    fails("kp: the same seed gives other values after more resets")


def test_mass_without_inertia_is_caught(monkeypatch):
    plain = FieldMap._inertia

    def without(self, values):
        ones = {"link_mass_scale": np.ones_like(values["link_mass_scale"])}
        return plain(self, {**values, **ones})

    monkeypatch.setattr(FieldMap, "_inertia", without)
    fails("link_mass_scale: the inertia does not follow the mass")


def test_a_payload_without_inertia_is_caught(monkeypatch):
    plain = FieldMap._inertia

    def without(self, values):
        ones = {"payload_mass": np.ones_like(values["payload_mass"])}
        return plain(self, {**values, **ones})

    monkeypatch.setattr(FieldMap, "_inertia", without)
    fails("payload_mass: the payload's inertia does not follow its mass")


def test_ranges_swapped_between_two_terms_are_caught(monkeypatch):
    plain = Randomization.sample_many

    def swapped(self, rngs, nominal, names=None):
        terms = dict(self.terms)
        other = {"kp": SOME.terms["kv"], "kv": SOME.terms["kp"]}
        terms |= {name: other[name] for name in other if name in terms}
        return plain(Randomization(terms, width=self.width), rngs, nominal, names)

    monkeypatch.setattr(Randomization, "sample_many", swapped)
    fails("kv: drawn values do not follow")


def test_a_biased_sampler_is_caught(monkeypatch):
    plain = Uniform.quantile
    monkeypatch.setattr(Uniform, "quantile", lambda self, u: plain(self, u**1.5))
    fails("viscous: drawn values do not follow")


def test_friction_that_never_acts_is_caught(monkeypatch):
    def never(self):
        self.active = False

    monkeypatch.setattr(Friction, "changed", never)
    fails("load_friction: changes nothing")


def test_a_sensor_that_ignores_its_offset_is_caught(monkeypatch):
    plain = Sensing.refresh

    def ignoring(self, ids, values):
        offset = {"encoder_offset": np.zeros_like(values["encoder_offset"])}
        plain(self, ids, {**values, **offset})

    monkeypatch.setattr(Sensing, "refresh", ignoring)
    fails("encoder_offset: changes nothing")


def test_a_sampler_that_draws_nothing_is_caught(monkeypatch):
    monkeypatch.setattr(
        Randomization,
        "narrowed",
        lambda _, __, value, nominal: np.broadcast_to(nominal, value.shape),
    )
    fails("armature: every simulation has the nominal value")


def test_a_term_that_this_task_cannot_feel_is_an_error():
    """Nothing is touched in reach: contact friction changes nothing there."""
    slippery = Randomization({"contact_friction": Absolute(Uniform(0.5, 2.0))})
    result = audit(ROBOT, get_task("reach"), slippery)
    with pytest.raises(AuditError, match="contact_friction: changes nothing"):
        result.require()


def test_the_command_prints_every_term_and_writes_json(tmp_path, capsys):
    path = tmp_path / "audit.json"
    assert main(["audit", "reach", "--robot", "ur5e", "--json", str(path)]) == 0
    assert "command_delay" in capsys.readouterr().out
    assert '"ok": true' in path.read_text()


def test_the_command_fails_on_a_term_that_changes_nothing(tmp_path, capsys):
    path = tmp_path / "r.yaml"
    path.write_text("terms: {effort_offset: {mode: set, uniform: [-1, 1]}}\n")
    assert main(["audit", "reach", "--randomization", str(path)]) == 2
    assert "effort_offset: changes nothing" in capsys.readouterr().err
