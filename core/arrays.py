"""The namespace of an array: numpy itself for numpy, a wrapper for other libraries."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

Array = Any
"""An array of any library that follows the array API (numpy, torch)."""


def array_namespace(array: Array) -> Any:
    """Return the array API functions for ``array``.

    numpy 2 follows the standard by itself; its functions cost a batch a third of what
    the wrappers cost that also serve older ones.
    """
    if isinstance(array, np.ndarray | np.generic):
        return np
    return array_api_compat.array_namespace(array)
