"""Speed of the batched arm against raw physics and against the usual wrappers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import mujoco
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from forearm.core.robots import get_robot
from forearm.sim.batch import decimation
from forearm.sim.env import ArmEnv
from forearm.sim.loop import ArmLoop
from forearm.sim.model import TIMESTEP, build_model
from forearm.sim.randomization import get_randomization
from forearm.sim.tasks import get_task

SLICE = 1.0
"""Time of one measurement [s]; the rounds take turns, so drift hits all alike."""

ROUNDS = 5
"""Measurements of each kind; the median counts."""


def measure(advance: Callable[[], int], seconds: float = SLICE) -> float:
    """Return control steps per second of ``advance``, which returns its steps."""
    advance()
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        steps += advance()
    return steps / elapsed


class _Raw:
    """``mj_step`` alone on every thread, moving as the benchmark's arms do."""

    def __init__(self, robot: str, control_dt: float, threads: int) -> None:
        spec = get_robot(robot)
        self._models = [build_model(spec) for _ in range(threads)]
        self._data = [mujoco.MjData(m) for m in self._models]
        self._decimation = decimation(control_dt, TIMESTEP)
        self._home, self._rng = spec.home, np.random.default_rng(0)
        for data in self._data:
            data.qpos[:] = data.ctrl[:] = spec.home

    def __call__(self, control_steps: int = 400) -> int:
        workers = [
            threading.Thread(target=self._run, args=(m, d, control_steps))
            for m, d in zip(self._models, self._data, strict=True)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return control_steps * len(workers)

    def _run(self, model: Any, data: Any, control_steps: int) -> None:
        chunk = 20
        for _ in range(control_steps // chunk):
            data.ctrl[:] = self._home + self._rng.uniform(-0.2, 0.2, len(self._home))
            mujoco.mj_step(model, data, nstep=self._decimation * chunk)


def _batched(robot: str, envs: int) -> Callable[[], int]:
    task = get_task("reach")
    randomization = get_randomization("wide")
    loop = ArmLoop(get_robot(robot), task, envs, randomization=randomization)
    loop.reset()
    actions = np.random.default_rng(0).uniform(-1, 1, (64, envs, loop.robot.n))
    actions = actions.astype(np.float32)
    state = {"tick": 0}

    def advance() -> int:
        loop.step(actions[state["tick"] % 64])
        state["tick"] += 1
        return envs

    return advance


def _wrapped(env: Any, envs: int) -> Callable[[], int]:
    env.reset()
    rng = np.random.default_rng(0)

    def advance() -> int:
        for _ in range(5):
            env.step(rng.uniform(-1, 1, (envs, 6)).astype(np.float32))
        return 5 * envs

    return advance


def run(robot: str = "ur5e", envs: int = 256, wrapped: int = 8) -> dict[str, Any]:
    """Measure everything in one run, in turns; returns the keys of ``--json``.

    Args:
        robot: the arm.
        envs: simulations in the batch.
        wrapped: environments behind each of the usual wrappers.
    """
    threads = _cores()
    make = partial(ArmEnv, robot=robot, randomization="wide")
    dummy = DummyVecEnv([make] * wrapped)
    subproc = SubprocVecEnv([make] * wrapped, start_method="spawn")
    async_env = gymnasium.vector.AsyncVectorEnv([make] * wrapped, context="spawn")
    kinds: dict[str, Callable[[], int]] = {
        "raw": _Raw(robot, get_task("reach").control_dt, threads),
        "batch": _batched(robot, envs),
        "dummy": _wrapped(dummy, wrapped),
        "subproc": _wrapped(subproc, wrapped),
        "async": _wrapped(async_env, wrapped),
    }
    try:
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, advance in kinds.items():
                rates[name].append(measure(advance))
    finally:
        for env in (dummy, subproc, async_env):
            env.close()
    return _result(rates, robot, threads)


def _result(rates: dict[str, list[float]], robot: str, threads: int) -> dict[str, Any]:
    batch = np.array(rates["batch"])

    def ratio(name: str) -> float:
        return float(np.median(batch / np.array(rates[name])))

    scaling = [
        {"envs": n, "control_steps_per_s": measure(_batched(robot, n))}
        for n in (1, 4, 16, 64, 256, 1024, 4096)
    ]
    return {
        "control_steps_per_s": float(np.median(batch)),
        "raw_fraction": ratio("raw"),
        "vs_dummy": ratio("dummy"),
        "vs_subproc": ratio("subproc"),
        "vs_async": ratio("async"),
        "bytes_per_env": bytes_per_env(robot),
        "scaling": scaling,
        "threads": threads,
        "rates": {name: float(np.median(r)) for name, r in rates.items()},
    }


def bytes_per_env(robot: str, few: int = 256, many: int = 2304) -> float:
    """Return resident memory per further simulation [bytes], from two batch sizes."""
    small = _resident()
    keep = [_batched(robot, few)]
    middle = _resident()
    keep.append(_batched(robot, many))
    large = _resident()
    del keep
    return ((large - middle) - (middle - small)) / (many - few)


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))
