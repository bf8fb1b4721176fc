"""What `forearm deploy` and `forearm plant` take can be asked for everywhere else."""

import argparse
import json
import os
import sys
from pathlib import Path

import pytest

from forearm.cli import deploy_command, plant_command
from forearm.core.errors import FileError
from forearm.core.files import read_model
from forearm.deploy.bringup import ArmSpec, BringupSpec
from forearm.deploy.supervisor import Task, supervised

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
DOUBLE = Path(__file__).with_name("launch_double.py")

DEPLOY = {
    "bundle": "B",
    "model": "arm.xml",
    "spec": "arm.yaml",
    "record": "LOG",
    "shadow": True,
    "driving": "other/commands",
    "seconds": 7.0,
    "wait": 3.0,
    "namespace": "left",
    "name": "watcher",
    "backend": "forward",
    "authority": 0.25,
    "fallback": True,
    "hold_when_shifted": True,
    "workspace": [0.0, 1.0, -1.0, 1.0, 0.1, 1.5],
    "workspace_holds": "arm",
    "clearance": 0.02,
    "tool": [0.2, 0.03],
    "executor": "events",
    "no_realtime": True,
    "sim_time": True,
    "manual": True,
    "verify_key": "key.pub",
    "json": "out.json",
}
"""Every option of ``forearm deploy`` with a value that is not its default."""

PLANT = {
    "model": "arm.xml",
    "spec": "arm.yaml",
    "robot": None,
    "plant": "plant.yaml",
    "namespace": "left",
    "rate": 500.0,
    "speed": 2.0,
    "seconds": 0.0,
    "command_timeout": 0.1,
    "task": "push",
    "seed": 7,
}
"""The same of ``forearm plant``; a user's own arm needs no robot, and both ends of a
supervised run are the supervisor's."""

FILE = """
arms:
- bundle: B
  model: arm.xml
  spec: arm.yaml
  plant: plant.yaml
  rate: 500
  speed: 2
  command_timeout: 0.1
  task: push
  seed: 7
  record: LOG
  shadow: true
  driving: other/commands
  wait: 3
  namespace: left
  name: watcher
  backend: forward
  authority: 0.25
  fallback: true
  hold_when_shifted: true
  workspace: {lower: [0, -1, 0.1], upper: [1, 1, 1.5], holds: arm}
  clearance: 0.02
  tool: {length: 0.2, radius: 0.03}
  executor: events
  realtime: false
  sim_time: true
  manual: true
  verify_key: key.pub
  json: out.json
"""


def parsed(module, words):
    parser = argparse.ArgumentParser()
    module.configure(parser)
    return vars(parser.parse_args(words))


def after(command, name):
    return command[command.index(name) + 1 :]


@pytest.mark.parametrize(
    ("module", "asked", "words"),
    [(deploy_command, DEPLOY, ["B"]), (plant_command, PLANT, [])],
)
def test_these_are_all_the_options_and_none_is_left_at_its_default(
    module, asked, words
):
    default = parsed(module, words)
    assert set(default) == set(asked)
    same = {name for name, value in asked.items() if default[name] == value}
    assert same <= {"bundle", "robot", "seconds"}


def test_a_bringup_file_hands_on_every_option(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(FILE)
    plant, node = read_model(path, BringupSpec).arms[0].tasks()
    assert parsed(plant_command, after(plant.command, "plant")) == PLANT
    # `forearm bringup --seconds` ends all processes together.
    expected = {**DEPLOY, "seconds": 0.0}
    assert parsed(deploy_command, after(node.command, "deploy")) == expected


def test_a_bringup_file_without_options_asks_for_the_defaults():
    plant, node = ArmSpec(robot="ur5e", bundle="B", plant="nominal").tasks()
    default = parsed(plant_command, ["--robot", "ur5e"])
    assert parsed(plant_command, after(plant.command, "plant")) == default
    default = {**parsed(deploy_command, ["B"]), "wait": 30.0}
    assert parsed(deploy_command, after(node.command, "deploy")) == default


@pytest.mark.parametrize(
    ("line", "reason"),
    [("speed: 2", "needs sim_time"), ("driving: x", "goes with shadow")],
)
def test_a_bringup_file_that_cannot_work_is_refused(line, reason, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(f"arms:\n- robot: ur5e\n  bundle: B\n  {line}\n")
    with pytest.raises(FileError, match=reason):
        read_model(path, BringupSpec)


ECHO = """#!{python}
import json, sys
with open({folder!r} + "/" + sys.argv[1] + ".json", "w") as file:
    json.dump(sys.argv[2:], file)
"""


def launched(folder, file, **arguments):
    """Return the words that each command of a launch file was called with."""
    program = folder / "forearm"
    program.write_text(ECHO.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    given = [f"{name}:={value}" for name, value in arguments.items()]
    command = [sys.executable, str(DOUBLE), str(LAUNCH / file), *given]
    path = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    task = Task(name="launch", command=command, environment=path)
    with supervised([task], folder) as running:
        assert running["launch"].wait(60.0)
        said = running["launch"].output()
    return {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("deploy", "plant")
        if (folder / f"{name}.json").is_file()
    }, said


def as_argument(value):
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def test_a_launch_file_hands_on_every_option(tmp_path):
    arguments = {name: as_argument(value) for name, value in DEPLOY.items()}
    words, said = launched(tmp_path, "deploy.launch.py", **arguments)
    assert words, said
    assert parsed(deploy_command, words["deploy"]) == DEPLOY


def test_a_rehearsal_hands_on_every_option_of_its_plant(tmp_path):
    arguments = {n: v for n, v in PLANT.items() if n not in ("robot", "seconds")}
    words, said = launched(tmp_path, "rehearsal.launch.py", bundle="B", **arguments)
    # Whichever process ends first ends the launch, maybe before the other has begun.
    assert words, said
    found = {"plant": (plant_command, PLANT)}
    node = {**parsed(deploy_command, ["B"]), "wait": 30.0}
    shared = {name: PLANT[name] for name in ("model", "spec", "namespace")}
    found["deploy"] = (deploy_command, {**node, **shared})
    for name, got in words.items():
        module, expected = found[name]
        assert parsed(module, got) == expected
