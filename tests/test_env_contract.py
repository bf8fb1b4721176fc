"""What every environment promises, over every robot and task there is.

The checks of dm_control's ``suite/tests/loader_test``, gymnasium and stable-baselines3.
A robot or a task that is added is covered here without a line.
"""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_sb3

import forearm.sim  # noqa: F401  (registers the environments)
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.loop import ArmLoop
from forearm.sim.presets import PRESETS
from forearm.sim.registration import ENVIRONMENTS
from forearm.sim.tasks import TASKS, get_task

STEPS, NSIM = 40, 8

each_environment = pytest.mark.parametrize("name", ENVIRONMENTS)
each_pair = pytest.mark.parametrize(
    ("robot", "task"), [(r, t) for r in ROBOTS for t in TASKS]
)


@each_environment
def test_gymnasium_accepts_it(name):
    check_env(gymnasium.make(name).unwrapped, skip_render_check=True)


@each_environment
def test_stable_baselines_accepts_it(name):
    check_sb3(gymnasium.make(name).unwrapped, warn=False)


def episode(robot, task, seed, preset="light", nsim=NSIM, steps=STEPS):
    """Return observations (steps + 1, nsim, size) and rewards of random actions."""
    loop = ArmLoop(
        get_robot(robot), get_task(task), nsim, randomization=PRESETS[preset]
    )
    loop.seed([seed + i for i in range(nsim)])
    rng = np.random.default_rng(0)
    observations, rewards = [loop.reset()], []
    for _ in range(steps):
        actions = rng.uniform(-1, 1, (nsim, loop.interface.action_size))
        step = loop.step(actions.astype(np.float32))
        observations.append(step.observation)
        rewards.append(step.reward)
    return loop, np.array(observations), np.array(rewards), observations


@each_pair
def test_observations_and_rewards_are_finite_and_of_the_declared_shape(robot, task):
    loop, observations, rewards, _ = episode(robot, task, 0, "wide")
    assert observations.shape[2] == loop.interface.observation_size
    assert observations.dtype == rewards.dtype == np.float32
    assert np.isfinite(observations).all()
    assert np.isfinite(rewards).all()


@each_pair
def test_the_same_seed_gives_the_same_trajectory(robot, task):
    one, other = (episode(robot, task, 3)[1] for _ in range(2))
    np.testing.assert_array_equal(one, other)


@each_pair
def test_initial_states_differ(robot, task):
    first = episode(robot, task, 0, "none", steps=0)[1][0]
    assert len(np.unique(first, axis=0)) == NSIM


@each_pair
def test_observations_do_not_share_memory(robot, task):
    kept = episode(robot, task, 0, steps=4)[3]
    for i, one in enumerate(kept):
        assert not any(np.shares_memory(one, other) for other in kept[i + 1 :])


@each_pair
def test_no_observation_element_is_constant(robot, task):
    """But the last joint's position gradient, zero where the tool is on its axis."""
    loop, observations, _, _ = episode(robot, task, 0, "light")
    spread = observations.reshape(-1, observations.shape[2]).std(axis=0)
    allowed = 1 if "position_gradient" in loop.task.terms else 0
    assert (spread < 1e-9).sum() <= allowed


@each_pair
def test_a_simulation_does_not_feel_its_place_in_the_batch(robot, task):
    whole = episode(robot, task, 5, "wide")[1]
    loop = ArmLoop(get_robot(robot), get_task(task), 3, randomization=PRESETS["wide"])
    loop.seed([99, 5 + 2, 98])
    size = loop.interface.action_size
    rng = np.random.default_rng(0)
    rows = [loop.reset()[1]]
    for _ in range(STEPS):
        actions = rng.uniform(-1, 1, (NSIM, size)).astype(np.float32)
        rows.append(loop.step(np.repeat(actions[2:3], 3, axis=0)).observation[1])
    np.testing.assert_array_equal(np.array(rows), whole[:, 2])


@each_pair
def test_an_unstable_simulation_ends_truncated_and_never_reaches_the_learner(
    robot, task
):
    loop = ArmLoop(get_robot(robot), get_task(task), 3)
    loop.reset()
    loop.batch.batch.bind("qvel")[1] = 1e12
    step = loop.step(np.zeros((3, loop.interface.action_size), np.float32))
    assert step.truncated.tolist() == [False, True, False]
    assert step.unstable.tolist() == [False, True, False]
    assert loop.unstable_episodes == 1
    assert np.isfinite(step.observation).all()
    assert np.isfinite(step.final_observation).all()
    assert np.isfinite(step.reward).all()
    for _ in range(5):
        step = loop.step(np.zeros((3, loop.interface.action_size), np.float32))
        assert not step.unstable.any()
