"""Supervisor: processes that start together, are watched, and end in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from forearm.core.errors import ForearmError

GRACE = 5.0
"""Time between SIGINT, SIGTERM and SIGKILL, as ROS launch has it [s]."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One process to run."""

    name: str
    """For messages and the log's file name."""
    command: Sequence[str]
    """Program and arguments."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the present environment."""


def forearm(*arguments: str) -> list[str]:
    """Return the command line of ``forearm`` in this interpreter."""
    return [sys.executable, "-m", "forearm.cli.main", *arguments]


class Process:
    """A running task in its own process group."""

    def __init__(self, task: Task, log: Path | None = None) -> None:
        """Start it; output goes to ``log`` or to this process's."""
        self.task, self.log = task, log
        self._stream = log.open("wb") if log is not None else None
        self._popen = subprocess.Popen(
            list(task.command),
            env={**os.environ, **task.environment},
            stdout=self._stream,
            stderr=subprocess.STDOUT if self._stream is not None else None,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    def status(self) -> int | None:
        """Return the exit status, or none while it runs."""
        return self._popen.poll()

    def send(self, number: int) -> None:
        """Send a signal to the process."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def wait(self, timeout: float) -> bool:
        """Return whether it ended within ``timeout`` [s]."""
        try:
            self._popen.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> int:
        """End it: SIGINT, then SIGTERM, then SIGKILL; returns the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._popen.poll() is None:
                self.send(signal.SIGCONT)
                self.send(number)
                self.wait(GRACE)
        # Children that outlived it belong to its group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        if self._stream is not None:
            self._stream.close()
        return self._popen.wait()

    def output(self) -> str:
        """Return what it has written, where that goes to a file."""
        return "" if self.log is None else self.log.read_text(errors="replace")


@contextmanager
def supervised(
    tasks: Sequence[Task], logs: Path | None = None
) -> Iterator[dict[str, Process]]:
    """Run ``tasks`` while the block runs; they end in reverse order.

    Args:
        tasks: started in order.
        logs: folder for their output; without it they write to ours.
    """
    running: dict[str, Process] = {}
    if logs is not None:
        logs.mkdir(parents=True, exist_ok=True)
    try:
        for task in tasks:
            log = logs / f"{task.name}.log" if logs is not None else None
            running[task.name] = Process(task, log)
        yield running
    finally:
        for process in reversed(running.values()):
            process.stop()


def check_alive(processes: Mapping[str, Process]) -> None:
    """Raise if a process has ended.

    Raises:
        ForearmError: names the process, its status and its last words.
    """
    for name, process in processes.items():
        status = process.status()
        if status is not None:
            words = process.output().strip().splitlines()
            last = f": {words[-1]}" if words else ""
            raise ForearmError(f"{name} ended with status {status}{last}")


def watch(processes: Mapping[str, Process], seconds: float) -> None:
    """Sleep ``seconds`` [s], or raise as soon as a process ends.

    Raises:
        ForearmError: a process has ended.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check_alive(processes)
        time.sleep(min(0.05, max(end - time.monotonic(), 0.0)))
