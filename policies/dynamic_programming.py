"""Exact solutions of finite tasks: the yardstick of what is learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.sim.mdp import Mdp

Floats = NDArray[np.float64]
Policy = NDArray[np.intp]
"""An action per state, shape (S,)."""

NEARLY_ONE = 1 - 1e-6
"""Discount that asks for success alone, however late."""


def value_iteration(
    mdp: Mdp, gamma: float = NEARLY_ONE, tolerance: float = 1e-12
) -> Floats:
    """Return the optimal action values (S, A) (Sutton and Barto 2018, eq. 4.2).

    Args:
        mdp: the process.
        gamma: discount in [0, 1).
        tolerance: largest change of a value in the last sweep.

    Raises:
        LimitError: the discount is out of its range.
    """
    if not 0 <= gamma < 1:
        raise LimitError(f"discount must lie in [0, 1), got {gamma}")
    values = np.zeros(mdp.reward.shape[0])
    while True:
        action_values: Floats = mdp.reward + gamma * mdp.transition @ values
        best = action_values.max(axis=1)
        if np.abs(best - values).max() <= tolerance:
            return action_values
        values = best


def greedy(action_values: Floats) -> Policy:
    """Return the best action of each state, shape (S,)."""
    return np.asarray(action_values.argmax(axis=1))


def expected_return(mdp: Mdp, policy: Policy, limit: int) -> float:
    """Return what ``policy`` collects on average within ``limit`` steps, exactly.

    Where the only reward is one for success, this is the success probability.
    """
    states = np.arange(len(policy))
    step, gain = mdp.transition[states, policy], mdp.reward[states, policy]
    values = np.zeros(len(policy))
    for _ in range(limit):
        values = gain + step @ values
    return float(mdp.start @ values)


def best_return(mdp: Mdp, limit: int) -> float:
    """Return the most any policy can collect within ``limit`` steps.

    The policy may depend on the steps that are left: nothing learned can do better.
    """
    values = np.zeros(mdp.reward.shape[0])
    for _ in range(limit):
        values = (mdp.reward + mdp.transition @ values).max(axis=1)
    return float(mdp.start @ values)
