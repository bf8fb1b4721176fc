import json

import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.log import make_log
from forearm.core.log_io import write_log
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec
from forearm.sim.randomization_file import load_randomization

ROBOT = get_robot("ur5e")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Three seconds of an arm whose commands take 20 ms."""
    plant = Plant(ROBOT, PlantSpec(command_delay={"mean": 0.02}))
    states, sent = [], []
    for k in range(600):
        if k % 4 == 0:
            wave = 0.2 * np.sin(4 * plant.time + np.arange(ROBOT.n))
            command = ROBOT.home + min(1.0, plant.time) * wave
            plant.command(command)
            sent.append((plant.time, command))
        plant.advance(0.005)
        states.append(plant.read())
    path = tmp_path_factory.mktemp("latency") / "log"
    recorded = make_log(
        ROBOT.joint_names,
        np.array([s.time for s in states]) + 1.0,
        np.array([s.position for s in states]),
        np.array([s.velocity for s in states]),
        None,
        np.array([t for t, _ in sent]) + 1.0,
        np.array([c for _, c in sent]),
    )
    write_log(path, recorded)
    return path


def test_a_log_becomes_a_randomization_that_holds_its_delay(log, tmp_path, capsys):
    drawn, result = tmp_path / "r.yaml", tmp_path / "r.json"
    files = ["--randomization", str(drawn), "--json", str(result)]
    assert main(["latency", str(log), "--robot", "ur5e", *files]) == 0
    assert "only the motion is known" in capsys.readouterr().out
    delay = json.loads(result.read_text())["motion_delay"]
    assert delay == pytest.approx(0.02, abs=2.5e-3)  # half a sample of the states
    term = load_randomization(drawn).terms["command_delay"]
    assert 0.015 < term.low <= term.high < 0.025


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["latency", "none"], "does not exist"),
        (["log", "compare", "LOG"], "holds no policy in shadow"),
        (["latency", "LOG", "--params", "p.yaml"], "--params needs --robot"),
        (["latency", "LOG", "--preset", "loud"], "unknown randomization"),
        (["evaluate", "runs/x", "--write"], "--write needs a bundle"),
        (["evaluate", "runs/x", "--sign", "key.pem"], "--sign goes with --write"),
        (["evaluate", "runs/x", "--delays", "fast"], "milliseconds"),
        (["deploy", "b", "--driving", "x/commands"], "--driving goes with --shadow"),
    ],
)
def test_a_mistake_is_one_sentence(log, capsys, arguments, words):
    assert main([str(log) if a == "LOG" else a for a in arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
