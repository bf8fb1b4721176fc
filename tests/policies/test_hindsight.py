"""Hindsight experience replay of stable-baselines3 on the batched goal environment."""

import numpy as np
import pytest
from stable_baselines3 import SAC, HerReplayBuffer

from forearm.policies.goal_vec_env import ArmGoalVecEnv
from forearm.sim.goal_env import ArmGoalEnv


def test_the_batched_goal_environment_equals_the_single_one():
    batched = ArmGoalVecEnv("push", envs=2)
    batched.loop.seed([4, 5])
    together = batched.reset()
    single = ArmGoalEnv("push")
    alone, _ = single.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(batched.loop.task.steps):
        for name, value in alone.items():
            np.testing.assert_array_equal(together[name][1], value)
        actions = rng.uniform(-1, 1, (2, batched.action_space.shape[0]))
        together, rewards, dones, infos = batched.step(actions.astype(np.float32))
        alone, reward, _, truncated, _ = single.step(actions[1].astype(np.float32))
        assert rewards[1] == reward
    assert dones.all()
    assert truncated
    for name, value in infos[1]["terminal_observation"].items():
        np.testing.assert_array_equal(value, alone[name])


def test_sac_learns_from_goals_it_reached_by_accident():
    """Nothing is solved in so few steps, so every reward of 0 is hindsight's."""
    env = ArmGoalVecEnv("push", envs=4)
    model = SAC(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        learning_starts=4 * env.loop.task.steps + 4,
        batch_size=64,
        buffer_size=10_000,
        policy_kwargs={"net_arch": [32, 32]},
        seed=0,
        device="cpu",
    )
    before = [p.clone() for p in model.actor.parameters()]
    model.learn(8 * env.loop.task.steps + 40)
    batch = model.replay_buffer.sample(2000)
    achieved = batch.next_observations["achieved_goal"].numpy()
    desired = batch.next_observations["desired_goal"].numpy()
    rewards = batch.rewards.numpy()[:, 0]
    assert set(np.unique(rewards)) == {-1.0, 0.0}
    np.testing.assert_array_equal(rewards, env.compute_reward(achieved, desired, {}))
    # Four of five goals are relabelled; a puck at rest then reaches nearly all of them.
    assert 0.5 < np.mean(rewards == 0.0) < 0.9
    after = list(model.actor.parameters())
    assert any(
        not np.array_equal(a.detach(), b) for a, b in zip(after, before, strict=True)
    )
    assert env.success_rate() == pytest.approx(0.0)
