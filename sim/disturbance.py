"""What happens to an episode from outside: late and lost commands, pushes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError

from .batch import ArmBatch
from .kernels import compiled, disturb
from .model import LONGEST_DELAY, PAYLOAD
from .randomization import Randomization

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ids = NDArray[np.intp]

JITTER_CUT = 5.0
"""Extra delays are exponential, cut off at this many times their mean."""

NAMES = ("period_jitter", "command_jitter", "command_drop")
"""Quantities for which one number per control period is drawn."""


class Disturbance:
    """Disturbs the commands and the arms of a batch, from each episode's generator.

    What is random within an episode is drawn when it starts: a simulation's fate does
    not depend on its place in the batch.
    """

    def __init__(self, batch: ArmBatch, control_dt: float, steps: int) -> None:
        """Allocate for episodes of at most ``steps`` control periods [s]."""
        self._batch, self._dt, self._steps = batch, control_dt, steps
        self._draws: dict[str, Singles] = {}
        # By tick first: episodes that began together read neighbours.
        self._undrawn = np.zeros((0, batch.nsim), np.float32)
        self._delay = np.zeros(batch.nsim)
        self._arrived = np.zeros((batch.nsim, batch.robot.n), np.float32)
        self._push_left = np.full(batch.nsim, np.inf)
        """Time until a push ends [s]; no push never ends."""
        self._timestep = float(batch.model.opt.timestep)
        self._tool = batch.model.body(PAYLOAD).id
        self._same_timestep = np.full(batch.nsim, self._timestep)

    @staticmethod
    def check(randomization: Randomization, nominal: Mapping[str, Floats]) -> None:
        """Refuse delays that the servos' buffers cannot hold.

        Raises:
            LimitError: delay and jitter together may exceed the buffer.
        """
        longest = longest_delay(randomization, nominal)
        if longest > LONGEST_DELAY + 1e-9:
            raise LimitError(
                f"command_delay and {JITTER_CUT:g} times command_jitter reach "
                f"{longest:g} s; valid: at most {LONGEST_DELAY:g} s, what the servos' "
                "delay buffers hold"
            )

    @property
    def active(self) -> bool:
        """Something is to be done in every control period."""
        return bool(self._draws) or bool((self._push_left < np.inf).any())

    def reset(
        self, ids: Ids, joint_pos: Floats, rngs: list[np.random.Generator]
    ) -> None:
        """Start the episodes of ``ids`` at ``joint_pos``: draw what happens in them."""
        self._arrived[ids] = joint_pos
        values = self._batch.values
        for name in NAMES:
            scale = values[name][ids, 0]
            if name not in self._draws:
                if not scale.any():
                    continue
                shape = (self._steps + 1, self._batch.nsim)
                self._draws[name] = np.zeros(shape, np.float32)
            for i, rng, value in zip(ids, rngs, scale, strict=True):
                drawn = self._drawn(name, rng, value) if value else 0.0
                self._draws[name][:, i] = drawn
        self._delay[ids] = values["command_delay"][ids, 0]
        self._push_left[ids] = np.inf
        self.push(ids)

    def _drawn(self, name: str, rng: np.random.Generator, value: float) -> Floats:
        size = self._steps + 1
        if name == "command_jitter":
            return value * np.minimum(rng.exponential(size=size), JITTER_CUT)
        if name == "command_drop":
            return (rng.random(size) < value).astype(np.float64)
        return value * rng.uniform(-1.0, 1.0, size)

    def push(self, ids: Ids) -> None:
        """Begin the pushes whose force has just been drawn for ``ids``."""
        values = self._batch.values
        force = values["push_force"][ids]
        strong = force.any(axis=1)
        if strong.any() or (self._push_left[ids] < np.inf).any():
            time = np.where(strong, values["push_time"][ids, 0], np.inf)
            self._push_left[ids] = time
            self._batch.external_force[ids, self._tool, :3] = force

    def before(self, command: Singles, tick: Ids) -> Singles:
        """Disturb the control period that begins; return the commands that arrive.

        Args:
            command: what the policy commands [rad], (nsim, n).
            tick: control periods since each episode's start, (nsim,).
        """
        batch, draws = self._batch, self._draws
        timestep = self._same_timestep
        if "period_jitter" in draws:
            timestep = batch.timestep
        compiled(disturb)(
            tick,
            *(draws.get(name, self._undrawn) for name in NAMES),
            timestep,
            self._timestep,
            self._delay,
            batch.values["command_delay"],
            self._dt,
            self._arrived,
            command,
            self._push_left,
            batch.external_force[:, self._tool],
        )
        if "command_jitter" in draws:
            batch.set_delay(self._delay)
        return self._arrived


def longest_delay(randomization: Randomization, nominal: Mapping[str, Floats]) -> float:
    """Return how late a command may come at most [s], jitter included."""
    longest = 0.0
    for name, factor in (("command_delay", 1.0), ("command_jitter", JITTER_CUT)):
        term = randomization.terms.get(name)
        value = nominal[name] if term is None else term.range(nominal[name])[1]
        longest += factor * float(value.max())
    return longest


def delay_to_hold(randomization: Randomization, nominal: Mapping[str, Floats]) -> float:
    """Return the delay in even physics steps that the servos' buffers need hold [s].

    Where the delay is not drawn a user may set any; steps that are shorter than they
    should be ask for more of them.
    """
    uneven = randomization.terms.get("period_jitter")
    shortest = 1.0 - (0.0 if uneven is None else uneven.high)
    if "command_delay" not in randomization.terms:
        return LONGEST_DELAY
    return longest_delay(randomization, nominal) / shortest
