"""The lattice: exact probabilities, real tool poses, gymnasium's contract."""

from __future__ import annotations

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from forearm.core.errors import LimitError, UnknownNameError
from forearm.core.kinematics import Kinematics, rotation_from_quat_wxyz
from forearm.core.robots import ROBOTS
from forearm.policies.dynamic_programming import greedy, value_iteration
from forearm.sim.lattice import LatticeEnv, cell_size
from forearm.sim.mdp import mdp_of
from forearm.sim.model import build_model
from forearm.sim.registration import register_environments

robots = pytest.mark.parametrize("robot", ROBOTS)


@robots
def test_the_arm_touches_nothing_over_any_cell(robot: str) -> None:
    env = LatticeEnv(robot)
    model = build_model(env.robot)
    data = mujoco.MjData(model)
    address = [model.joint(name).qposadr[0] for name in env.robot.joint_names]
    for joint_pos in env.joint_pos:
        data.qpos[address] = joint_pos
        mujoco.mj_fwdPosition(model, data)
        assert data.ncon == 0


def test_gymnasium_makes_the_lattice_and_its_checker_passes() -> None:
    """``import forearm.sim`` registers it; registering again changes nothing."""
    register_environments()
    env = gymnasium.make("forearm/Lattice-v0", robot="ur5e")
    assert env.spec is not None
    assert env.spec.max_episode_steps == 50
    check_env(env.unwrapped, skip_render_check=True)


@robots
def test_every_cell_is_a_reachable_pose_pointing_down(robot: str) -> None:
    env = LatticeEnv(robot)
    spec, cells = env.robot, int(env.observation_space.n)
    assert (env.joint_pos >= spec.lower).all()
    assert (env.joint_pos <= spec.upper).all()
    pose = Kinematics(spec)(env.joint_pos)
    np.testing.assert_allclose(pose.rotation[:, 2, 2], -1.0, atol=1e-4)
    cell = cell_size(spec)
    grid = pose.position.reshape(len(env.layout), -1, 3)
    assert grid.shape[0] * grid.shape[1] == cells
    np.testing.assert_allclose(np.diff(grid[..., 0], axis=0), cell, atol=1e-3)
    np.testing.assert_allclose(np.diff(grid[..., 1], axis=1), cell, atol=1e-3)
    np.testing.assert_allclose(np.ptp(grid[..., 2]), 0.0, atol=1e-3)


@robots
def test_a_plan_is_a_chain_of_neighbouring_tool_poses_to_the_goal(robot: str) -> None:
    env = LatticeEnv(robot)
    poses = env.plan_poses(greedy(value_iteration(mdp_of(env), 0.95)))
    position = np.array([p for p, _ in poses])
    quat_wxyz = np.array([q for _, q in poses])
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    np.testing.assert_allclose(steps, cell_size(env.robot), atol=1e-3)
    rotation = rotation_from_quat_wxyz(quat_wxyz)
    np.testing.assert_allclose(rotation[:, 2, 2], -1.0, atol=1e-4)
    goal = "".join(env.layout).index("G")
    np.testing.assert_array_equal(position[-1], env.pose(goal)[0])


def test_a_plan_that_runs_in_a_circle_is_refused() -> None:
    env = LatticeEnv()
    with pytest.raises(LimitError, match="does not lead to the goal"):
        env.plan_poses(np.zeros(env.observation_space.n, np.intp) + 2)


def test_probabilities_sum_to_one_and_nothing_leads_into_a_wall() -> None:
    env = LatticeEnv()
    for rows in env.P.values():
        for outcomes in rows.values():
            assert sum(o[0] for o in outcomes) == pytest.approx(1.0)
    # The upper left corner: moving against the edge keeps the tool in place.
    assert env.P[0][2][1] == (pytest.approx(0.9), 0, 0.0, False)


def test_sampled_moves_have_the_published_probabilities() -> None:
    env, counts = LatticeEnv(), np.zeros(25)
    env.reset(seed=3)
    for _ in range(4000):
        env.reset()
        counts[env.step(np.int64(0))[0]] += 1
    # From the corner, +x slips to +y or stays at the edge, 5 % each.
    assert counts[5] / 4000 == pytest.approx(0.9, abs=0.02)
    assert counts[1] / 4000 == pytest.approx(0.05, abs=0.015)
    assert counts[0] / 4000 == pytest.approx(0.05, abs=0.015)


def test_the_same_seed_gives_the_same_episode() -> None:
    def play(seed: int) -> list[int]:
        env, states = LatticeEnv(), []
        env.reset(seed=seed)
        for action in np.random.default_rng(0).integers(0, 4, 30):
            states.append(int(env.step(action)[0]))
        return states

    assert play(5) == play(5)
    assert any(play(5) != play(seed) for seed in (6, 7, 8))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"slip": 1.5}, "slip"),
        ({"layout": ("S.", "..G")}, "equally long"),
        ({"layout": ("S.", "..")}, "one G"),
        ({"layout": ("SS", ".G")}, "one S"),
        ({"layout": ("S?", ".G")}, "free cells"),
        ({"layout": ("S" + "." * 30 + "G",)}, "cannot bring its tool"),
    ],
)
def test_an_unusable_lattice_is_refused(change: dict, reason: str) -> None:
    with pytest.raises(LimitError, match=reason):
        LatticeEnv(**change)


def test_an_unknown_robot_is_refused_with_the_valid_names() -> None:
    with pytest.raises(UnknownNameError, match="ur5e"):
        LatticeEnv("ur6")
