"""CMA-ES: minimizes a rough function of few numbers, a whole generation at a time.

Open-loop motion with stiction has steps and many small minima: finite differences see
the roughness, a population the shape. Hansen, "The CMA Evolution Strategy: A Tutorial",
arXiv 1604.00772, with its default constants.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forearm.core.log import Floats

SIGMA = 0.5
"""First step size, in the scale of the numbers."""


class Evolution:
    """One search: ask for a generation, tell what its members cost."""

    def __init__(self, size: int, population: int, rng: np.random.Generator) -> None:
        """Start at zero.

        Args:
            size: how many numbers; of order one each.
            population: members of a generation.
            rng: where the members come from.
        """
        half = population // 2
        weights = np.log(half + 0.5) - np.log(np.arange(1, half + 1))
        self._weights = weights = weights / weights.sum()
        self._mass = mass = 1.0 / (weights**2).sum()
        self._slow = (4 + mass / size) / (size + 4 + 2 * mass / size)
        self._rate = (mass + 2) / (size + mass + 5)
        self._one = one = 2 / ((size + 1.3) ** 2 + mass)
        many = 2 * (mass - 2 + 1 / mass) / ((size + 2) ** 2 + mass)
        self._many = min(1 - one, many)
        spread = max(0.0, np.sqrt((mass - 1) / (size + 1)) - 1)
        self._damping = 1 + 2 * spread + self._rate
        self._length = np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))
        self._population, self._rng, self._generation = population, rng, 0
        self.mean: Floats = np.zeros(size)
        """Where the next generation is drawn around, (size,)."""
        self._sigma, self._matrix = SIGMA, np.eye(size)
        self._path, self._step_path = np.zeros(size), np.zeros(size)

    def ask(self) -> Floats:
        """Return the members of the next generation, (population, size)."""
        values, self._basis = np.linalg.eigh(self._matrix)
        self._root = np.sqrt(np.maximum(values, 1e-12))
        drawn = self._rng.standard_normal((self._population, len(self.mean)))
        self._members = drawn * self._root @ self._basis.T
        return np.asarray(self.mean + self._sigma * self._members)

    def tell(self, cost: Floats) -> None:
        """Move on, given what the members cost, (population,)."""
        ranked = self._members[np.argsort(cost)[: len(self._weights)]]
        move = self._weights @ ranked
        self.mean = self.mean + self._sigma * move
        self._generation += 1
        rate, slow = self._rate, self._slow
        white = self._basis @ ((self._basis.T @ move) / self._root)
        self._step_path *= 1 - rate
        self._step_path += np.sqrt(rate * (2 - rate) * self._mass) * white
        norm = np.linalg.norm(self._step_path) / self._length
        settled = np.sqrt(1 - (1 - rate) ** (2 * self._generation))
        self._path *= 1 - slow
        if norm / settled < 1.4 + 2 / (len(move) + 1):
            self._path += np.sqrt(slow * (2 - slow) * self._mass) * move
        self._matrix *= 1 - self._one - self._many
        self._matrix += self._one * np.outer(self._path, self._path)
        self._matrix += self._many * (ranked.T * self._weights) @ ranked
        self._sigma *= float(np.exp(rate / self._damping * (norm - 1)))


def evolve(
    cost: Callable[[Floats], Floats],
    size: int,
    generations: int,
    population: int,
    rng: np.random.Generator,
) -> Floats:
    """Return the mean of the last generation, started from zero, shape (size,).

    Args:
        cost: of a generation (population, size) -> (population,).
        size: how many numbers; of order one each.
        generations: how many generations.
        population: members of a generation.
        rng: where the members come from.
    """
    search = Evolution(size, population, rng)
    for _ in range(generations):
        search.tell(cost(search.ask()))
    return search.mean
