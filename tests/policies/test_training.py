"""Train, export, evaluate: small runs, exact claims."""

import json

import numpy as np
import pytest
import torch

from forearm.cli.main import main
from forearm.core.bundle import POLICY, load_bundle
from forearm.core.errors import FileError, MismatchError
from forearm.core.robots import get_robot
from forearm.policies.config import TrainConfig
from forearm.policies.evaluate import evaluate
from forearm.policies.export import export, make_actor
from forearm.policies.onnx_actor import OnnxActor
from forearm.policies.parity import TOLERANCE, prove_parity
from forearm.policies.train import load_run, train
from forearm.sim.tasks import get_task

ROBOT, REACH = get_robot("ur5e"), get_task("reach")


@pytest.fixture(scope="module", params=["ppo", "sac"])
def run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / request.param
    config = TrainConfig(algo=request.param, steps=5000, envs=16, out=str(out))
    return train(config, quiet=True)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("export") / "bundle", episodes=8)


def test_a_loaded_run_commands_what_the_trained_one_does(run):
    loaded = load_run(run.path)
    sensors_policy = [make_actor(r)[0].act for r in (run, loaded)]
    results = [
        evaluate(ROBOT, REACH, act, episodes=4).reward_mean for act in sensors_policy
    ]
    assert results[0] == results[1]


def test_the_exported_graph_equals_the_policy_and_carries_its_contract(run, exported):
    result = exported
    assert result.parity.max_abs <= TOLERANCE
    assert result.parity.inputs == 10_000
    assert result.parity.episodes == 20
    bundle = load_bundle(result.bundle.path)
    assert bundle.contract == result.bundle.contract
    assert [i.name for i in bundle.contract.inputs][:2] == ["joint_pos", "joint_vel"]
    actor = make_actor(run)[0]
    torch_reward = evaluate(ROBOT, REACH, actor.act, episodes=4).reward_mean
    onnx_reward = evaluate(ROBOT, REACH, OnnxActor(bundle).act, episodes=4).reward_mean
    assert onnx_reward == pytest.approx(torch_reward, rel=1e-3)


def test_parity_fails_when_the_graph_is_of_another_policy(run, exported):
    other = load_run(run.path)
    with torch.no_grad():
        for weights in other.model.policy.parameters():
            weights += 1e-3
    graph = (exported.bundle.path / POLICY).read_bytes()
    actor = make_actor(run)[0]
    prove_parity(graph, actor, ROBOT, REACH, count=50, episodes=1)
    with pytest.raises(MismatchError, match="ONNX against torch"):
        prove_parity(graph, make_actor(other)[0], ROBOT, REACH, count=50, episodes=1)


def test_a_policy_that_solves_the_task_is_judged_a_success_and_a_still_one_is_not():
    def still(sensors, observation):  # noqa: ARG001
        return np.asarray(sensors["previous_command"], np.float32)

    result = evaluate(ROBOT, REACH, still, episodes=50)
    assert result.success < 0.05
    low, high = result.wilson_95
    assert low <= result.success <= high


def test_a_run_directory_is_never_overwritten(run):
    with pytest.raises(FileError, match="already holds"):
        train(run.config, quiet=True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "fly"], "valid: insert"),
        (["train", "reach", "--robot", "r2d2"], "ur5e"),
        (["train", "reach", "--algo", "dqn"], "ppo, sac"),
        (["train", "reach", "--params", "missing.yaml"], "missing.yaml"),
        (["evaluate", "nowhere"], "not a training run"),
        (["export", "nowhere", "--out", "b"], "not a training run"),
        (["bench", "coffee"], "sim"),
    ],
)
def test_bad_arguments_are_one_sentence_and_status_two(
    arguments, word, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_train_command_writes_its_result(tmp_path, capsys):
    target = tmp_path / "r.json"
    out = tmp_path / "run"
    status = main(
        [
            *["train", "reach", "--steps", "2048", "--envs", "16", "--episodes", "4"],
            *["--out", str(out), "--json", str(target)],
        ]
    )
    assert status == 0
    result = json.loads(target.read_text())
    assert {"success", "wilson_95", "env_steps", "seconds", "run_dir"} <= set(result)
    assert "success" in capsys.readouterr().out
