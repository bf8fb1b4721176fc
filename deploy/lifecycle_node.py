"""GuardedNode: every lifecycle transition is made whole, or refused in one sentence."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from forearm.core.errors import ForearmError

log = logging.getLogger(__name__)

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
"""Back to where the transition started."""
ERROR = TransitionCallbackReturn.ERROR
"""On to ``on_error``."""


class GuardedNode(LifecycleNode):
    """Whatever goes wrong in a transition, the node is never left half in a state.

    A failed ``configure`` ends unconfigured, a failed ``activate`` inactive; after a
    failed ``deactivate`` or ``cleanup`` the node forgets everything and is
    unconfigured; ``shutdown`` always ends finalized.
    """

    refusal = ""
    """Why the last transition was refused."""

    def on_configure(self, state: Any) -> Any:  # noqa: ARG002
        """Load the bundle, prove it, connect; refuse with one sentence."""
        return self._guarded("configure", self._configure, self._cleanup)

    def on_activate(self, state: Any) -> Any:  # noqa: ARG002
        """Start from the measured pose."""
        return self._guarded("activate", self._activate, self._deactivate)

    def on_deactivate(self, state: Any) -> Any:  # noqa: ARG002
        """Bring the arm to rest, then stop commanding."""
        # FAILURE would mean active again, without a loop.
        return self._guarded("deactivate", self._deactivate, failed=ERROR)

    def on_cleanup(self, state: Any) -> Any:  # noqa: ARG002
        """Disconnect and forget the bundle."""
        return self._guarded("cleanup", self._cleanup, failed=ERROR)

    def on_shutdown(self, state: Any) -> Any:  # noqa: ARG002
        """Stop whatever the state."""
        return self._guarded("shutdown", self._end, self._cleanup)

    def on_error(self, state: Any) -> Any:  # noqa: ARG002
        """Forget everything after a transition that failed: unconfigured."""
        self._undo(self._deactivate)
        self._undo(self._cleanup)
        return SUCCESS

    @abstractmethod
    def _configure(self) -> None:
        """Connect."""

    @abstractmethod
    def _activate(self) -> None:
        """Start commanding."""

    @abstractmethod
    def _deactivate(self) -> None:
        """Stop commanding; does nothing where nothing commands."""

    @abstractmethod
    def _cleanup(self) -> None:
        """Disconnect as far as connected."""

    @abstractmethod
    def _publish_status(self, content: dict[str, Any]) -> None:
        """Tell the operator."""

    def _end(self) -> None:
        self._deactivate()
        self._cleanup()

    def _guarded(
        self,
        name: str,
        work: Callable[[], None],
        undo: Callable[[], None] = lambda: None,
        failed: Any = FAILURE,
    ) -> Any:
        try:
            work()
        except Exception as error:
            self._undo(undo)
            self.refusal = _sentence(error)
            self.get_logger().error(f"{name} refused: {self.refusal}")
            reason = f"{name}: {self.refusal}"
            self._publish_status({"state": "refused", "reason": reason})
            return failed
        self.refusal = ""
        self._publish_status({"state": name, "reason": ""})
        return SUCCESS

    def _undo(self, work: Callable[[], None]) -> None:
        """Do what can be done: one failure must not keep the next step from running."""
        try:
            work()
        except Exception as error:
            self.get_logger().error(f"while taking back: {_sentence(error)}")


def _sentence(error: Exception) -> str:
    """Return one line for people; the traceback goes to the debug log."""
    if isinstance(error, ForearmError):
        return str(error)
    log.debug("an unexpected error in a transition", exc_info=error)
    words = " ".join(str(error).split())
    return f"unexpected {type(error).__name__} ({words}); this is a bug, report it"
