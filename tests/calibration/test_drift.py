"""Drift names what changed and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forearm.calibration.calibrate import Result
from forearm.calibration.drift import Drift, drift
from forearm.calibration.envelope import envelope
from forearm.calibration.posterior_file import posterior_randomization
from forearm.cli.main import main
from forearm.core.log import RunLog
from forearm.core.log_io import write_log
from forearm.core.params import nominal_values, save_params
from forearm.core.robots import get_robot
from forearm.policies.evaluate import Evaluation
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
NOMINAL = nominal_values(ROBOT)
SENSOR = {"noise": 1e-4, "velocity_noise": 2e-3}
Record = Callable[..., RunLog]


@pytest.fixture
def old(calibrated: Result) -> Result:
    return calibrated


def changed(record: Record, **effects: object) -> RunLog:
    spec = {"sensor": SENSOR, **effects}
    return record(12.0, PlantSpec.model_validate(spec), seed=0)


def test_friction_of_one_joint_and_gain_of_another_are_named(
    record: Record, old: Result
) -> None:
    coulomb = NOMINAL["coulomb"] * [1, 1, 1.8, 1, 1, 1]
    weaker = {"gain_error": [0, -0.2, 0, 0, 0, 0]}
    log = changed(record, params={"coulomb": coulomb.tolist()}, servo=weaker)
    found = drift([log], ROBOT, old.params)
    (friction,) = [c for c in found.changes if c.group == "friction"]
    assert friction.value == "coulomb[2]"
    assert friction.after == pytest.approx(coulomb[2], rel=0.15)
    assert found.groups["friction"] > 3
    assert found.groups["gain"] > 3
    assert {c.value for c in found.changes if c.group == "gain"} == {"kp[1]", "kv[1]"}
    assert found.groups["payload"] == found.groups["delay"] == 0


def test_a_load_is_told_from_friction(record: Record, old: Result) -> None:
    log = changed(record, payload={"mass": 2.0, "com": (0.0, 0.0, 0.05)})
    found = drift([log], ROBOT, old.params)
    (load,) = [c for c in found.changes if c.value == "payload_mass[0]"]
    assert load.after == pytest.approx(2.0, abs=0.3)
    assert (
        any("record without it" in s for s in found.sentences())
        or len(found.changes) == 1
    )


def test_the_command_calls_a_longer_path_a_delay_and_judges_the_policy(
    record: Record,
    old: Result,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_params(tmp_path / "p.yaml", old.params)
    write_log(tmp_path / "log", changed(record, command_delay={"mean": 0.03}))
    delays = []

    def scripted(*_: object, episodes: int, values: dict[str, np.ndarray]) -> object:
        # An arm that answers later than 10 ms fails one episode in five.
        delays.append(float(values["command_delay"][0]))
        late = delays[-1] > 0.01
        good = tuple(k % (5 if late else 16) > 0 for k in range(episodes))
        return Evaluation(episodes, sum(good), 1.0, 0, outcomes=good)

    policy = (ROBOT, object(), object())
    monkeypatch.setattr("forearm.policies.evaluate.evaluate", scripted)
    monkeypatch.setattr("forearm.cli.evaluate_command.load_policy", lambda _: policy)
    arguments = ["drift", str(tmp_path / "log"), "--params", str(tmp_path / "p.yaml")]
    arguments += ["--policy", "bundle", "--json", str(tmp_path / "d.json")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "command_delay" in said
    assert "delay changed" in said
    assert "payload unchanged" in said
    # Wilson's interval of 160 in 200 is [0.739, 0.850]; of the 40 that fail now 3 had
    # failed before (0, 80, 160), of the 13 that failed then 10 succeed.
    assert "success 0.94 -> 0.80 [0.74, 0.85]: retrain" in said
    assert "(37 episodes lost, 10 gained)" in said
    assert delays[1] - delays[0] == pytest.approx(0.03, abs=0.003)
    content = json.loads((tmp_path / "d.json").read_text())
    groups = content["groups"]
    assert groups["delay"] > 3
    assert groups["payload"] == groups["friction"] == groups["gain"] == 0
    assert content["policy"]["verdict"] == "retrain"
    # The policy of another arm is refused before anything is fitted.
    monkeypatch.setattr(
        "forearm.cli.evaluate_command.load_policy",
        lambda _: (get_robot("panda"), None, None),
    )
    assert main(arguments) == 2
    assert "robot of the policy" in capsys.readouterr().err


def test_what_the_new_log_does_not_tell_stays_as_it_was_known(old: Result) -> None:
    new = old.params.model_copy(deep=True)
    new.params["kp"].value = [2 * v for v in new.params["kp"].value]
    new.params["kp"].provenance = ["measured", *["guess"] * 5]
    now = Drift([], dataclasses.replace(old, params=new)).values(ROBOT, old.params)
    before = old.params.params["kp"].value
    np.testing.assert_allclose(now["kp"], [2 * before[0], *before[1:]])


def test_what_was_a_guess_is_unknown_and_not_unchanged(
    clean: RunLog, old: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forearm.calibration.drift.calibrate", lambda *_: old)
    assert "gain unchanged" in drift([clean], ROBOT, old.params).said_of_groups()
    guess = old.params.model_copy(deep=True)
    for name in ("kp", "kv"):
        guess.params[name].provenance = "guess"
    found = drift([clean], ROBOT, guess)
    assert "gain unknown" in found.said_of_groups()
    assert "delay unchanged" in found.said_of_groups()


def test_the_recorded_motion_lies_inside_the_envelope(old: Result) -> None:
    drawn = posterior_randomization(old.params, ROBOT)
    found = envelope(ROBOT, old.params, drawn, old.held, np.random.default_rng(0))
    assert min(found.inside.values()) > 0.9
    assert found.findings() == []
    # An envelope that holds everything says nothing.
    assert max(found.width.values()) < 0.05
