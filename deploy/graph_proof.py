"""Graph proof: a graph is run in a process that may break before it is run in ours.

How much memory a graph takes follows from shapes that only onnxruntime works out, and
what it does with a hostile file only onnxruntime knows. So a process with little
memory and little time loads it and runs it once. All shapes are fixed
(:mod:`.graph_check` sees to that), so what one run takes, every run takes.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnxruntime

from forearm.core.errors import FileError

MEMORY = 512 * 2**20
"""Address space beyond that of onnxruntime itself [byte]. The largest graph let through
by size holds 80 MB of constants, and loading keeps up to four copies of them."""

CPU_SECONDS = 5
"""Processor time to load and run [s]; an arm's policy needs 0.05 s."""

PATIENCE = 30.0
"""Longest wait for the process on a busy computer [s]."""


_PROVED: set[bytes] = set()
"""SHA-256 of the graphs this process has seen pass: the same bytes pass again."""


def prove_graph(path: Path, graph: bytes) -> None:
    """Load and run ``graph`` once on zeros in a process of its own.

    Args:
        path: where the graph comes from, for the error.
        graph: the bytes that are going to be run, already through ``check_graph``.

    Raises:
        FileError: it asks for more than :data:`MEMORY` or :data:`CPU_SECONDS`, or takes
            the process down.
    """
    digest = hashlib.sha256(graph).digest()
    if digest in _PROVED:
        return
    # -P: a module in the working directory must not stand in for a library's.
    command = [sys.executable, "-P", "-m", "forearm.deploy.graph_proof"]
    limits = [str(MEMORY), str(CPU_SECONDS)]
    try:
        done = subprocess.run(
            [*command, *limits], input=graph, capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise FileError(path, f"was not proved within {PATIENCE:g} s") from error
    except OSError as error:
        raise FileError(path, f"cannot be proved: no process ({error})") from error
    if done.returncode != 0:
        raise FileError(
            path,
            f"does not run within {MEMORY >> 20} MB and {CPU_SECONDS} s of processor "
            f"time ({_reason(done)})",
        )
    _PROVED.add(digest)


def session_options() -> onnxruntime.SessionOptions:
    """One thread, no spinning: the control loop's core is not ours alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {done.returncode}"


def _confine(memory: int, seconds: int) -> None:
    """Give up real-time priority, and everything beyond what is now in use."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(spent.ru_utime + spent.ru_stime) + seconds
    for limit, value in (
        (resource.RLIMIT_AS, used + memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))


def _main(memory: str, seconds: str) -> None:
    graph = sys.stdin.buffer.read()
    _confine(int(memory), int(seconds))
    session = onnxruntime.InferenceSession(
        graph, session_options(), providers=["CPUExecutionProvider"]
    )
    zeros = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()}
    session.run(None, zeros)


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except Exception as error:
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
