"""Speed of the batched arm against raw physics and against the usual wrappers."""

from __future__ import annotations

import os
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
from forearm.sim.model import TIMESTEP
from forearm.sim.randomization import get_randomization
from forearm.sim.tasks import get_task

SLICE = 1.0
"""Time of one measurement [s]; the rounds take turns, so drift hits all alike."""

ROUNDS = 5
"""Measurements of each kind; the median counts."""


RANDOMIZATION = "harsh"
"""All randomization on."""


def measure(advance: Callable[[], int], seconds: float = SLICE) -> float:
    """Return control steps per second of ``advance``, which returns its steps."""
    advance()
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        steps += advance()
    return steps / elapsed


class _Raw:
    """``mj_step`` alone on every thread, moving as the benchmark's arms do."""

    def __init__(self, robot: str, task: str, threads: int) -> None:
        loops = [ArmLoop(get_robot(robot), get_task(task), 1) for _ in range(threads)]
        for loop in loops:
            loop.reset()
        self._models = [loop.batch.model for loop in loops]
        self._data = [loop.batch.batch.get_data(0) for loop in loops]
        self._decimation = decimation(loops[0].task.control_dt, TIMESTEP)
        self._home, self._rng = self._data[0].ctrl.copy(), np.random.default_rng(0)

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


def _loop(robot: str, task: str, envs: int, preset: str = RANDOMIZATION) -> ArmLoop:
    randomization = get_randomization(preset)
    loop = ArmLoop(get_robot(robot), get_task(task), envs, randomization=randomization)
    loop.reset()
    return loop


def _batched(loop: ArmLoop) -> Callable[[], int]:
    envs, size = loop.nsim, loop.interface.action_size
    actions = np.random.default_rng(0).uniform(-1, 1, (64, envs, size))
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

    size = env.action_space.shape[-1]

    def advance() -> int:
        for _ in range(5):
            env.step(rng.uniform(-1, 1, (envs, size)).astype(np.float32))
        return 5 * envs

    return advance


def run(
    robot: str = "ur5e", task: str = "reach", envs: int = 256, wrapped: int = 8
) -> dict[str, Any]:
    """Measure everything in one run, in turns; returns the keys of ``--json``.

    Args:
        robot: the arm.
        task: the task.
        envs: simulations in the batch.
        wrapped: environments behind each of the usual wrappers.
    """
    threads = _cores()
    make = partial(ArmEnv, task=task, robot=robot, randomization=RANDOMIZATION)
    dummy = DummyVecEnv([make] * wrapped)
    subproc = SubprocVecEnv([make] * wrapped, start_method="spawn")
    async_env = gymnasium.vector.AsyncVectorEnv([make] * wrapped, context="spawn")
    kinds: dict[str, Callable[[], int]] = {
        "raw": _Raw(robot, task, threads),
        "batch": _batched(_loop(robot, task, envs)),
        "wide": _batched(_loop(robot, task, envs, "wide")),
        "plain": _batched(_loop(robot, task, envs, "none")),
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
    return _result(rates, robot, task, threads)


def _result(
    rates: dict[str, list[float]], robot: str, task: str, threads: int
) -> dict[str, Any]:
    batch = np.array(rates["batch"])

    def ratio(name: str, of: str = "batch") -> float:
        return float(np.median(np.array(rates[of]) / np.array(rates[name])))

    scaling = [
        {"envs": n, "control_steps_per_s": measure(_batched(_loop(robot, task, n)))}
        for n in (1, 4, 16, 64, 256, 1024, 4096)
    ]
    return {
        "task": task,
        "robot": robot,
        "randomization": RANDOMIZATION,
        "control_steps_per_s": float(np.median(batch)),
        "raw_fraction": ratio("raw"),
        "raw_fraction_wide": ratio("raw", "wide"),
        "raw_fraction_without_randomization": ratio("raw", "plain"),
        "vs_dummy": ratio("dummy"),
        "vs_subproc": ratio("subproc"),
        "vs_async": ratio("async"),
        "bytes_per_env": bytes_per_env(robot, task),
        "reset_one_in_steps": reset_one(robot, task),
        "scaling": scaling,
        "threads": threads,
        "load_average": os.getloadavg()[0],
        "rates": {name: float(np.median(r)) for name, r in rates.items()},
    }


def reset_one(robot: str, task: str, envs: int = 256) -> float:
    """Return what restarting one simulation costs all, in control steps of the batch.

    The episodes of one batch end one by one; this is what the others wait for it.
    """
    alone, every = _loop(robot, task, envs), _loop(robot, task, envs)
    step = _batched(alone)
    one = np.array([0])

    def restart() -> int:
        every.reset_only(one)
        return 1

    return measure(step) / envs / measure(restart)


def bytes_per_env(robot: str, task: str, few: int = 256, many: int = 2304) -> float:
    """Return resident memory per further simulation [bytes], from two batch sizes."""
    small = _resident()
    keep = [_batched(_loop(robot, task, few))]
    keep[-1]()
    middle = _resident()
    keep.append(_batched(_loop(robot, task, many)))
    keep[-1]()
    large = _resident()
    del keep
    return ((large - middle) - (middle - small)) / (many - few)


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def _cores() -> int:
    return len(os.sched_getaffinity(0))
