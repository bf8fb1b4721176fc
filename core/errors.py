"""Errors for people: what was got, what is valid, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class ForearmError(Exception):
    """A user's mistake or a refused input; the CLI prints it and exits with 2."""


class UnknownNameError(ForearmError):
    """A name that is not on the list."""

    def __init__(self, kind: str, got: str, valid: Iterable[str]) -> None:
        """Say which ``kind`` of name was ``got`` and list what is ``valid``."""
        names = ", ".join(sorted(valid))
        super().__init__(f"unknown {kind} {got!r}; valid: {names}")


class FileError(ForearmError):
    """A file that is missing, corrupt or of the wrong kind."""

    def __init__(self, path: str | Path, why: str, fix: str = "") -> None:
        """Name the ``path``, say ``why`` it is refused and how to ``fix`` it."""
        super().__init__(f"{path}: {why}" + (f"; {fix}" if fix else ""))


class MismatchError(ForearmError):
    """Two things that must agree and do not."""

    def __init__(self, what: str, got: object, expected: object, fix: str = "") -> None:
        """Say ``what`` differs, what was ``got`` and what was ``expected``."""
        super().__init__(
            f"{what}: got {got}, expected {expected}" + (f"; {fix}" if fix else "")
        )


class LimitError(ForearmError):
    """A number outside its valid range."""


class GraphicsError(ForearmError):
    """There is nothing on this machine that draws off-screen."""

    def __init__(self, backend: str | None, error: Exception) -> None:
        """Name the ``backend`` (``MUJOCO_GL``) that failed, and with what."""
        super().__init__(
            f"no off-screen GL backend works here (MUJOCO_GL={backend or 'unset'}: "
            f"{type(error).__name__}), so there is no picture; on Debian install "
            "libegl1 and libgl1-mesa-dri and set MUJOCO_GL=egl, or use forearm view, "
            "which draws in a browser"
        )
