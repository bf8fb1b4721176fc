"""Step 64 randomized arms at once and count what a random policy achieves."""

from __future__ import annotations

from forearm.sim.vector_env import ArmVectorEnv

envs = ArmVectorEnv(64, task="reach", robot="ur5e", randomization="wide")
envs.action_space.seed(0)
envs.reset(seed=0)
finished = successes = 0
for _ in range(300):
    _, _, terminated, truncated, info = envs.step(envs.action_space.sample())
    done = terminated | truncated
    finished += int(done.sum())
    successes += int(info["is_success"][done].sum())
print(f"{successes} of {finished} random episodes succeeded")
