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
    half = population // 2
    weights = np.log(half + 0.5) - np.log(np.arange(1, half + 1))
    weights /= weights.sum()
    mass = 1.0 / (weights**2).sum()
    slow = (4 + mass / size) / (size + 4 + 2 * mass / size)
    path_rate = (mass + 2) / (size + mass + 5)
    one = 2 / ((size + 1.3) ** 2 + mass)
    many = min(1 - one, 2 * (mass - 2 + 1 / mass) / ((size + 2) ** 2 + mass))
    damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (size + 1)) - 1) + path_rate
    length = np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))
    mean, sigma, matrix = np.zeros(size), SIGMA, np.eye(size)
    path, step_path = np.zeros(size), np.zeros(size)
    for number in range(generations):
        values, basis = np.linalg.eigh(matrix)
        root = np.sqrt(np.maximum(values, 1e-12))
        members = rng.standard_normal((population, size)) * root @ basis.T
        order = np.argsort(cost(mean + sigma * members))[:half]
        move = weights @ members[order]
        mean = mean + sigma * move
        step_path *= 1 - path_rate
        white = basis @ ((basis.T @ move) / root)
        step_path += np.sqrt(path_rate * (2 - path_rate) * mass) * white
        norm = np.linalg.norm(step_path) / length
        settled = np.sqrt(1 - (1 - path_rate) ** (2 * number + 2))
        path *= 1 - slow
        if norm / settled < 1.4 + 2 / (size + 1):
            path += np.sqrt(slow * (2 - slow) * mass) * move
        ranked = members[order]
        matrix = (1 - one - many) * matrix + one * np.outer(path, path)
        matrix += many * (ranked.T * weights) @ ranked
        sigma *= float(np.exp(path_rate / damping * (norm - 1)))
    return mean
