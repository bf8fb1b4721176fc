"""One loop behind every environment: deterministic, honest, never a bad number."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import forearm.sim  # noqa: F401  (registers the environments)
from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.robots import get_robot
from forearm.sim.batch import ArmBatch, decimation
from forearm.sim.distributions import Constant, Uniform
from forearm.sim.env import ArmEnv
from forearm.sim.loop import ArmLoop
from forearm.sim.presets import PRESETS
from forearm.sim.randomization import Randomization
from forearm.sim.tasks import TASKS, get_task
from forearm.sim.terms import Absolute, Multiplicative
from forearm.sim.vector_env import ArmVectorEnv

ROBOT = get_robot("ur5e")


def _actions(steps, nsim, seed=0, n=ROBOT.n):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (steps, nsim, n)).astype(np.float32)


def test_gymnasium_accepts_the_environment():
    env = gymnasium.make("forearm/Reach-v0", robot="ur5e")
    check_env(env.unwrapped, skip_render_check=True)


def test_stable_baselines_accepts_the_environment():
    from stable_baselines3.common.env_checker import check_env as check_sb3

    check_sb3(ArmEnv(), warn=True)


@pytest.mark.parametrize("preset", ["none", "light", "wide", "harsh"])
def test_same_seed_same_trajectory_at_any_thread_count_and_place(preset):
    actions = _actions(160, 4)
    observed = []
    for nsim, order, nthread in ((4, [0, 1, 2, 3], 1), (6, [5, 3, 1, 0], 2)):
        loop = ArmLoop(
            ROBOT,
            get_task("reach"),
            nsim,
            randomization=PRESETS[preset],
            nthread=nthread,
        )
        seeds = [99] * nsim
        for episode, place in enumerate(order):
            seeds[place] = episode
        loop.seed(seeds)
        rows = [loop.reset()[order]]
        for action in actions:
            full = np.zeros((nsim, ROBOT.n), np.float32)
            full[order] = action
            rows.append(loop.step(full).observation[order])
        observed.append(np.array(rows))
    np.testing.assert_array_equal(*observed)


def test_the_single_environment_equals_the_batched_one_step_for_step():
    actions = _actions(150, 3)
    vector = ArmVectorEnv(3, randomization="harsh")
    together, _ = vector.reset(seed=5)
    single = ArmEnv(randomization="harsh")
    alone, _ = single.reset(seed=6)
    np.testing.assert_array_equal(alone, together[1])
    for action in actions:
        together, reward, _, truncated, info = vector.step(action)
        alone, value, _, ended, _ = single.step(action[1])
        expected = info["final_obs"][1] if truncated[1] else together[1]
        np.testing.assert_array_equal(alone, expected)
        assert value == pytest.approx(float(reward[1]), abs=0)
        assert ended == truncated[1]
    assert ended


@pytest.mark.parametrize("name", TASKS)
def test_observations_are_finite_in_spec_varied_and_not_shared(name):
    loop = ArmLoop(ROBOT, get_task(name), 16, randomization=PRESETS["light"])
    first = loop.reset()
    kept = first.copy()
    rows = [loop.step(a).observation for a in _actions(60, 16, n=loop.robot.n)]
    np.testing.assert_array_equal(first, kept)
    stacked = np.concatenate([first, *rows])
    assert stacked.dtype == np.float32
    assert np.isfinite(stacked).all()
    spread = stacked.std(axis=0)
    # The flange lies on the last joint's axis: its position gradient is zero.
    constant = np.flatnonzero(spread == 0)
    assert len(constant) <= 1


def test_different_seeds_give_different_starts():
    env = ArmEnv()
    first = env.reset(seed=1)[0]
    assert not np.array_equal(first, env.reset(seed=2)[0])
    np.testing.assert_array_equal(first, env.reset(seed=1)[0])


def test_an_action_that_is_no_number_ends_its_episode_and_no_other():
    loop = ArmLoop(get_robot("ur5e"), get_task("reach"), 4)
    loop.reset()
    action = np.zeros((4, loop.interface.action_size), np.float32)
    action[2, 1] = np.nan
    step = loop.step(action)
    assert step.unstable.tolist() == [False, False, True, False]
    assert step.truncated.tolist() == [False, False, True, False]
    assert np.isfinite(step.observation).all()
    assert np.isfinite(step.final_observation).all()
    assert np.isfinite(step.reward).all()
    assert loop.unstable_episodes == 1


def test_an_unstable_simulation_ends_truncated_and_never_reaches_the_learner():
    loop = ArmLoop(ROBOT, get_task("reach"), 3)
    loop.reset()
    loop.batch.batch.bind("qvel")[1] = 1e12
    step = loop.step(np.zeros((3, ROBOT.n), np.float32))
    assert step.truncated.tolist() == [False, True, False]
    assert step.unstable.tolist() == [False, True, False]
    assert loop.unstable_episodes == 1
    assert np.isfinite(step.observation).all()
    assert np.isfinite(step.reward).all()
    for action in _actions(5, 3):
        assert not loop.step(action).unstable.any()


def test_a_delayed_command_moves_the_arm_later():
    moved = []
    for delay in (0.0, 0.1):
        batch = ArmBatch(ROBOT, 1)
        ids = np.array([0])
        batch.set_values(ids, {"command_delay": np.array([[delay]])})
        batch.reset(ids, ROBOT.home[None])
        target = ROBOT.home[None] + 0.1
        trace = []
        for _ in range(40):
            batch.step(target)
            trace.append(batch.joint_pos[0, 0] - ROBOT.home[0])
        moved.append(int(np.argmax(np.array(trace) > 0.05)))
    assert moved[1] - moved[0] == 5


def test_a_new_episode_starts_from_the_nominal_values_again():
    loop = ArmLoop(
        ROBOT,
        get_task("reach"),
        2,
        randomization=Randomization({"kp": Multiplicative(Constant(1.5))}),
    )
    for _ in range(3):
        loop.reset()
    np.testing.assert_allclose(loop.batch.values["kp"][0], 1.5 * ROBOT.vector("kp"))
    gains = loop.batch.batch.expanded("actuator_gainprm")
    np.testing.assert_allclose(gains[:, :, 0], loop.batch.values["kp"])


@pytest.mark.parametrize("name", PRESETS["wide"].terms)
def test_every_term_of_the_wide_preset_changes_the_motion_or_the_senses(name):
    term = PRESETS["wide"].terms[name]
    trajectories = []
    for terms in ({}, {name: term}):
        loop = ArmLoop(ROBOT, get_task("reach"), 4, randomization=Randomization(terms))
        loop.seed(range(4))
        loop.reset()
        # The same start for both, so that only the term differs.
        loop.batch.reset(np.arange(4), np.repeat(ROBOT.home[None], 4, axis=0))
        rows = [loop.step(a).observation[:, :12] for a in _actions(40, 4)]
        trajectories.append(np.array(rows))
    assert np.abs(trajectories[0] - trajectories[1]).max() > 1e-7


def test_unknown_quantities_and_bad_periods_are_refused():
    with pytest.raises(UnknownNameError, match="valid:"):
        Randomization({"mass": Absolute(Uniform(0, 1))})
    with pytest.raises(LimitError, match="multiple"):
        decimation(0.02, 0.003)
    with pytest.raises(LimitError, match="at least one"):
        ArmBatch(ROBOT, 0)
