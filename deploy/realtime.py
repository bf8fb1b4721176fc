"""Real-time priority and locked memory, where the operating system permits them."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

PRIORITY = 80
"""SCHED_FIFO priority of the control thread, above the network's threads."""

HELPER_PRIORITY = 70
"""Of the process's other Python threads: one that is preempted while it holds the
interpreter keeps the control thread waiting, whatever that one's priority."""

MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
"""From <sys/mman.h>."""


def enter_realtime() -> str:
    """Ask for SCHED_FIFO and locked memory for this thread; say what was granted."""
    granted = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        granted.append(f"SCHED_FIFO {PRIORITY}")
    except (OSError, AttributeError) as error:
        granted.append(f"no SCHED_FIFO ({_why(error)}; set an rtprio limit)")
    libc = ctypes.CDLL(None, use_errno=True)
    # What is there is read in whole. Of what comes only what is used: the network's
    # threads come and go, with 8 MB of stack each.
    if not any(libc.mlockall(f) for f in (MCL_CURRENT, MCL_FUTURE | MCL_ONFAULT)):
        granted.append("memory locked")
    else:
        reason = os.strerror(ctypes.get_errno())
        granted.append(f"memory not locked ({reason}; set a memlock limit)")
    return ", ".join(granted)


def raise_thread(native_id: int) -> None:
    """Ask for real-time priority below the control thread's for another thread.

    ``native_id`` is the kernel's id of the thread; 0 is the present one.
    """
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(native_id, os.SCHED_FIFO, os.sched_param(HELPER_PRIORITY))


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
