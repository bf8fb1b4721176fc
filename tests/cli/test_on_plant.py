"""A bundle on a plant in this process agrees with the simulator where the arm does."""

from __future__ import annotations

import json

import pytest

from forearm.cli.main import main
from forearm.cli.on_plant import evaluate_on_plant
from forearm.core.robots import get_robot
from forearm.policies.config import TrainConfig
from forearm.policies.evaluate import evaluate
from forearm.policies.export import export
from forearm.policies.onnx_actor import OnnxActor
from forearm.policies.train import train
from forearm.sim.tasks import get_task

WEAK = "robot: ur5e\nservo: {gain_error: -0.9}\npayload: {mass: 4.0}\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    config = TrainConfig(steps=5000, envs=16, out=str(folder / "run"))
    return export(train(config, quiet=True), folder / "bundle", episodes=8).bundle


def test_episodes_on_the_nominal_plant_are_those_of_the_simulator(bundle, tmp_path):
    robot, task = get_robot("ur5e"), get_task("reach")
    simulated = evaluate(robot, task, OnnxActor(bundle).act, episodes=3)
    on_plant = evaluate_on_plant(bundle, None, episodes=3)
    assert on_plant.reward_mean == pytest.approx(simulated.reward_mean, rel=0.03)
    weak = tmp_path / "weak.yaml"
    weak.write_text(WEAK)
    differing = evaluate_on_plant(bundle, str(weak), episodes=3)
    assert abs(differing.reward_mean / simulated.reward_mean - 1) > 0.03


def test_evaluate_takes_a_plant_and_refuses_what_does_not_go_with_it(
    bundle, tmp_path, capsys
):
    path, result = str(bundle.path), tmp_path / "result.json"
    flags = ["--episodes", "1", "--json", str(result)]
    assert main(["evaluate", path, "--plant", "nominal", *flags]) == 0
    assert json.loads(result.read_text())["episodes"] == 1
    for wrong, said in (
        (["--ros"], "--ros needs --plant"),
        (["--plant", "nominal", "--delays"], "are of the simulator"),
        (["--plant", str(tmp_path / "none.yaml")], "cannot be read"),
        (["--plant", "nominal", "--episodes", "-3"], "must be positive"),
    ):
        capsys.readouterr()
        assert main(["evaluate", path, *wrong]) == 2
        assert said in capsys.readouterr().err
