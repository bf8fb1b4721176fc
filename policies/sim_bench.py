"""Speed of the batched arm against raw physics and against the usual wrappers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium
import mujoco.batch
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from forearm.core.robots import get_robot
from forearm.sim.env import ArmEnv
from forearm.sim.loop import ArmLoop
from forearm.sim.randomization import get_randomization
from forearm.sim.tasks import get_task

SLICE = 0.15
"""Time of one measurement [s]: short, so that a busy machine meets neighbours alike."""

ROUNDS = 24
"""Turns of all kinds; the median of the ratios between neighbours counts."""

RANDOMIZATION = "harsh"
"""All randomization on."""

Advance = Callable[[], int]
"""Does a few control steps and returns how many."""


def measure(advance: Advance, seconds: float = SLICE) -> float:
    """Return control steps per second of ``advance``."""
    advance()
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        steps += advance()
    return steps / elapsed


class _Raw:
    """``mj_step`` alone on every thread, moving as the benchmark's arms do.

    Native threads share the arms out among themselves, as those of the batch do: what
    else runs on the machine hits both alike. Each call steps every arm for a tenth of a
    second, so that what is not ``mj_step`` is less than a hundredth.
    """

    ARMS, HOLD = 16, 5
    """Arms per thread, and control periods per call."""

    def __init__(self, robot: str, task: str, threads: int) -> None:
        loop = ArmLoop(get_robot(robot), get_task(task), self.ARMS * threads)
        loop.reset()
        self._batch = mujoco.batch.Batch(loop.batch.model, loop.nsim, threads)
        self._start = loop.batch.batch.state.copy()
        self._nstep = self.HOLD * loop.batch.decimation
        self._ctrl, self._tick = self._batch.bind("ctrl"), 0
        move, ctrl = _batched(loop), loop.batch.batch.bind("ctrl")
        self._commands = []
        for _ in range((loop.task.steps - 1) // self.HOLD):
            for _ in range(self.HOLD):
                move()
            self._commands.append(ctrl.copy())

    def __call__(self) -> int:
        at = self._tick % len(self._commands)
        if at == 0:
            self._batch.state[:] = self._start
        self._ctrl[:] = self._commands[at]
        self._batch.step(nstep=self._nstep)
        self._tick += 1
        return self.HOLD * len(self._start)


def _loop(robot: str, task: str, envs: int, preset: str = RANDOMIZATION) -> ArmLoop:
    randomization = get_randomization(preset)
    loop = ArmLoop(get_robot(robot), get_task(task), envs, randomization=randomization)
    loop.reset()
    return loop


def _batched(loop: ArmLoop) -> Advance:
    envs, size = loop.nsim, loop.interface.action_size
    actions = np.random.default_rng(0).uniform(-1, 1, (64, envs, size))
    actions = actions.astype(np.float32)
    state = {"tick": 0}

    def advance() -> int:
        loop.step(actions[state["tick"] % 64])
        state["tick"] += 1
        return envs

    return advance


def _wrapped(env: Any, envs: int) -> Advance:
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
    memory = bytes_per_env(robot, task)  # First: no memory is free yet.
    threads = _cores()
    make = partial(ArmEnv, task=task, robot=robot, randomization=RANDOMIZATION)
    dummy = DummyVecEnv([make] * wrapped)
    subproc = SubprocVecEnv([make] * wrapped, start_method="spawn")
    async_env = gymnasium.vector.AsyncVectorEnv([make] * wrapped, context="spawn")
    presets = {"batch": RANDOMIZATION, "wide": "wide", "plain": "none"}
    loops = {name: _loop(robot, task, envs, preset) for name, preset in presets.items()}
    restarted = {name: restarts(loop) for name, loop in loops.items()}
    kinds: dict[str, Advance] = {
        **{name: _batched(loop) for name, loop in loops.items()},
        "dummy": _wrapped(dummy, wrapped),
        "subproc": _wrapped(subproc, wrapped),
        "async": _wrapped(async_env, wrapped),
    }
    try:
        rates = in_turns(_Raw(robot, task, threads), kinds)
    finally:
        for env in (dummy, subproc, async_env):
            env.close()
    return {
        "task": task,
        "robot": robot,
        "randomization": RANDOMIZATION,
        **_ratios(rates, restarted),
        "bytes_per_env": memory,
        "restarts": restarted,
        "reset_one_in_steps": reset_one(robot, task),
        "scaling": scaling(robot, task),
        "threads": threads,
        "load_average": os.getloadavg()[0],
    }


def in_turns(
    raw: Advance, kinds: Mapping[str, Advance], rounds: int = ROUNDS
) -> dict[str, np.ndarray]:
    """Return rates [1/s] by kind, (rounds,) each; ``raw_NAME``: raw beside NAME.

    Raw physics is measured before and after each kind: what slows the machine down for
    longer than a slice slows both.
    """
    rates: dict[str, list[float]] = {}
    before = measure(raw)
    for _ in range(rounds):
        for name, advance in kinds.items():
            rates.setdefault(name, []).append(measure(advance))
            after = measure(raw)
            rates.setdefault(f"raw_{name}", []).append(0.5 * (before + after))
            before = after
    return {name: np.array(rate) for name, rate in rates.items()}


def _ratios(
    rates: Mapping[str, np.ndarray], restarted: Mapping[str, float]
) -> dict[str, Any]:
    """Return medians of ratios: with raw physics in between, so that it cancels.

    Few slices meet the moment when all episodes end, so restarting is added to each.
    """
    share = {
        name: rate / rates[f"raw_{name}"] / (1.0 + restarted.get(name, 0.0))
        for name, rate in rates.items()
        if f"raw_{name}" in rates
    }
    half = np.quantile(share["batch"], [0.25, 0.75])
    return {
        "control_steps_per_s": float(np.median(rates["batch"])),
        "raw_fraction": float(np.median(share["batch"])),
        "raw_fraction_middle_half": half.tolist(),
        "raw_fraction_wide": float(np.median(share["wide"])),
        "raw_fraction_without_randomization": float(np.median(share["plain"])),
        **{
            f"vs_{name}": float(np.median(share["batch"] / share[name]))
            for name in ("dummy", "subproc", "async")
        },
        "rates": {name: float(np.median(rate)) for name, rate in rates.items()},
    }


def scaling(
    robot: str, task: str, sizes: Sequence[int] = (1, 4, 16, 64, 256, 1024, 4096)
) -> list[dict[str, float]]:
    """Return the rate [1/s] of batches of several sizes, medians of turns."""
    moves = {size: _batched(_loop(robot, task, size)) for size in sizes}
    rates = [[measure(move) for move in moves.values()] for _ in range(5)]
    return [
        {"envs": size, "control_steps_per_s": float(rate)}
        for size, rate in zip(sizes, np.median(rates, axis=0), strict=True)
    ]


def restarts(loop: ArmLoop) -> float:
    """Return what restarting all simulations costs beside the episode they begin."""
    step = _batched(loop)

    def restart() -> int:
        loop.reset()
        return loop.nsim

    return measure(step) / measure(restart) / loop.task.steps


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
    _batched(_loop(robot, task, 2))()  # What is loaded once belongs to none of them.
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
