"""A finite decision process as arrays: exact probabilities of what may happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import ForearmError

Floats = NDArray[np.float64]

Table = Mapping[int, Mapping[int, list[tuple[float, int, float, bool]]]]
"""``P[state][action]``: (probability, next state, reward, terminated), as in
gymnasium's toy-text environments."""


@dataclass(frozen=True)
class Mdp:
    """Transitions and expected rewards of S states and A actions."""

    transition: Floats
    """Probability of going on from s under a in s', shape (S, A, S); the rows of
    what ends the episode sum to less than one."""
    reward: Floats
    """Expected reward, shape (S, A)."""
    start: Floats
    """Probability of each state at the start, shape (S,)."""

    def __post_init__(self) -> None:
        """Check shapes and probabilities once.

        Raises:
            ForearmError: something is no probability.
        """
        states, actions = self.reward.shape
        if self.transition.shape != (states, actions, states):
            raise ForearmError(f"transitions have shape {self.transition.shape}")
        if (self.transition < 0).any() or (self.transition.sum(2) > 1 + 1e-9).any():
            raise ForearmError("transition probabilities must sum to at most one")
        if self.start.shape != (states,) or abs(self.start.sum() - 1) > 1e-6:
            raise ForearmError("start probabilities must sum to one")


def mdp_of(env: Any) -> Mdp:
    """Return the exact process of an environment with a table ``P`` and a start.

    Args:
        env: an environment whose ``unwrapped`` has ``P`` (:data:`Table`) and
            ``initial_state_distrib``, such as FrozenLake-v1 and forearm/Lattice-v0.

    Raises:
        ForearmError: the environment does not publish its probabilities.
    """
    inner = env.unwrapped
    table: Table | None = getattr(inner, "P", None)
    if table is None or not hasattr(inner, "initial_state_distrib"):
        raise ForearmError(
            "the environment publishes no transition table P; only finite tasks such "
            "as lattice and FrozenLake-v1 can be solved exactly"
        )
    states, actions = len(table), len(table[0])
    transition, reward = (
        np.zeros((states, actions, states)),
        np.zeros((states, actions)),
    )
    for state, rows in table.items():
        for action, outcomes in rows.items():
            for probability, target, gain, ends in outcomes:
                reward[state, action] += probability * gain
                if not ends:
                    transition[state, action, target] += probability
    return Mdp(transition, reward, np.asarray(inner.initial_state_distrib, np.float64))
