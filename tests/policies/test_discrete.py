"""Discrete learners against exact optima, ours and published ones."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from forearm.cli.main import main
from forearm.core.errors import FileError, ForearmError, LimitError, UnknownNameError
from forearm.policies.discrete import make_task, solve
from forearm.policies.dynamic_programming import (
    NEARLY_ONE,
    best_return,
    expected_return,
    greedy,
    value_iteration,
)
from forearm.policies.tabular import (
    QLearningConfig,
    load_table,
    q_learning,
    save_table,
)
from forearm.sim.mdp import mdp_of


@pytest.mark.parametrize(
    ("name", "gamma", "success", "bound"),
    [  # exact values of slip 1/3 within 100 and 200 steps; gymnasium says 0.74, 0.91
        ("FrozenLake-v1", 0.95, 0.7298, 0.7442),
        ("FrozenLake-v1", 0.99, 0.7402, 0.7442),
        ("FrozenLake-v1", NEARLY_ONE, 0.7402, 0.7442),
        ("FrozenLake8x8-v1", 0.95, 0.7386, 0.9132),
        ("FrozenLake8x8-v1", 0.99, 0.8630, 0.9132),
        ("FrozenLake8x8-v1", NEARLY_ONE, 0.8857, 0.9132),
    ],
)
def test_value_iteration_reaches_frozen_lakes_known_optima(
    name: str, gamma: float, success: float, bound: float
) -> None:
    env = make_task(name)
    mdp, limit = mdp_of(env), env.spec.max_episode_steps
    policy = greedy(value_iteration(mdp, gamma))
    assert expected_return(mdp, policy, limit) == pytest.approx(success, abs=5e-5)
    assert best_return(mdp, limit) == pytest.approx(bound, abs=5e-5)


def test_without_a_limit_frozen_lake_is_won_fourteen_times_in_seventeen() -> None:
    mdp = mdp_of(make_task("FrozenLake-v1"))
    policy = greedy(value_iteration(mdp, NEARLY_ONE))
    assert expected_return(mdp, policy, 5000) == pytest.approx(14 / 17, abs=1e-6)


@pytest.mark.parametrize("algo", ["q-learning", "dqn"])
def test_the_lattice_is_learned_to_its_optimum(algo: str) -> None:
    result = solve("lattice", algo, seed=1)
    low, high = result.as_json()["wilson_95"]
    assert low <= result.optimum <= high
    assert result.exact == pytest.approx(result.optimum, abs=0.01)
    assert result.exact <= result.bound


def test_q_learning_reaches_frozen_lakes_known_optimum() -> None:
    result = solve("FrozenLake-v1", "q-learning", seed=0, budget=20_000)
    low, high = result.as_json()["wilson_95"]
    assert low <= 0.7402 <= high
    assert result.exact > 0.729


def test_q_learning_repeats_with_the_same_seed_only() -> None:
    def values(seed: int) -> np.ndarray:
        config = QLearningConfig(episodes=50, seed=seed)
        return q_learning(make_task("lattice"), config).values

    np.testing.assert_array_equal(values(3), values(3))
    assert (values(3) != values(4)).any()


def test_running_out_of_time_is_not_the_end_of_the_world() -> None:
    """One state, reward one per step: the value is 1 / (1 - gamma), not the limit."""

    class Endless(gymnasium.Env):
        observation_space = gymnasium.spaces.Discrete(1)
        action_space = gymnasium.spaces.Discrete(1)

        def reset(self, **_):
            return 0, {}

        def step(self, _):
            return 0, 1.0, False, False, {}

    env = gymnasium.wrappers.TimeLimit(Endless(), 3)
    table = q_learning(env, QLearningConfig(episodes=3000, gamma=0.5))
    assert table.values[0, 0] == pytest.approx(2.0, abs=0.01)


def test_a_checkpoint_loads_to_the_same_bits(tmp_path: Path) -> None:
    config = QLearningConfig(episodes=20, gamma=1 / 3, seed=9)
    table = q_learning(make_task("lattice"), config)
    save_table(tmp_path / "q.npz", table, config)
    loaded, loaded_config = load_table(tmp_path / "q.npz")
    np.testing.assert_array_equal(loaded.values, table.values)
    np.testing.assert_array_equal(loaded.visits, table.visits)
    assert loaded_config == config


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"text"])
def test_a_corrupt_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "q.npz").write_bytes(content)
    with pytest.raises(FileError, match="no Q-table"):
        load_table(tmp_path / "q.npz")


def test_epsilon_falls_linearly_and_then_stays() -> None:
    config = QLearningConfig(episodes=100, epsilon_end=0.2, exploration=0.5)
    got = [config.epsilon(episode) for episode in (0, 25, 50, 99)]
    assert got == pytest.approx([1.0, 0.6, 0.2, 0.2])


@pytest.mark.parametrize(
    "bad", [{"episodes": 0}, {"gamma": 1.1}, {"epsilon_end": -1}, {"rate_power": 0.5}]
)
def test_numbers_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(LimitError, match=next(iter(bad))):
        QLearningConfig(**bad)


def test_an_environment_without_probabilities_is_refused() -> None:
    with pytest.raises(ForearmError, match="transition table"):
        mdp_of(gymnasium.make("CartPole-v1"))


def test_unknown_names_are_refused_with_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match="lattice"):
        solve("maze", "dqn")
    with pytest.raises(UnknownNameError, match="q-learning"):
        solve("lattice", "sarsa")


def test_the_command_writes_result_table_and_plan(tmp_path: Path, capsys) -> None:
    out, file = tmp_path / "run", tmp_path / "r.json"
    arguments = ["--algo", "q-learning", "--out", str(out), "--json", str(file)]
    assert main(["discrete", "lattice", "--episodes", "200", *arguments]) == 0
    content = json.loads(file.read_text())
    assert {"success", "wilson_95", "optimum", "episodes", "seconds"} <= set(content)
    assert content["episodes"] == 200
    assert sorted(p.name for p in out.iterdir()) == [
        "plan.json",
        "q_table.npz",
        "result.json",
    ]
    assert len(json.loads((out / "plan.json").read_text())["poses"]) >= 9
    assert "optimum" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["maze"], ["lattice", "--algo", "x"], ["lattice", "--robot", "x"]]
)
def test_a_users_mistake_is_one_sentence_and_status_2(arguments, capsys) -> None:
    assert main(["discrete", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "valid:" in error
