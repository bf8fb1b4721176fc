"""Timing of the control loop: bare-loop floor, then the real node, in the same run."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forearm.core.geometry import Geometry
from forearm.core.histogram import Histogram
from forearm.core.robots import get_robot

from .realtime import enter_realtime
from .sample import bare_mlp, sample_bundle
from .schedule import Schedule
from .supervisor import Process, Task, forearm, supervised

RATES = (50.0, 100.0, 200.0, 500.0)
"""Rates measured [Hz]."""

BENCH_DOMAIN = "99"
"""ROS domain of the benchmark's processes."""

ENDING = 2.0
"""How long a node takes to end [s], at most."""

BOX = (-2, 2, -2, 2, -1, 2)
"""Workspace that the sample policy never reaches [m]."""

FENCE = ["--clearance", "0.02", "--workspace", *map(str, BOX)]
"""Options of the rows with a fence: every distance and side is computed each tick,
and none is near."""

START = 3.0
"""Until a node runs evenly [s]; memory and CPU count from then on."""


def run(
    seconds: float = 10.0,
    rates: tuple[float, ...] = RATES,
    robot: str = "ur5e",
    soak: float = 0.0,
    geometry: Geometry | None = None,
) -> dict[str, Any]:
    """Measure every rate with both executors, with and without real-time priority.

    Args:
        seconds: duration of each cell [s].
        rates: control rates [Hz].
        robot: short name of the arm.
        soak: duration of a run at 100 Hz whose memory is watched [s]; 0 for none.
        geometry: of the arm, for the rows with a fence; without it there are none.

    Returns:
        ``rates``: one entry per cell with ``hz``, ``executor``, ``realtime``,
        ``missed_percent``, ``floor_missed_percent``, jitter, tick and MLP times [us];
        ``fence``: the same at 100 Hz with a workspace and a least clearance;
        ``soak``: memory, threads and file descriptors at its start and end.
    """
    result: dict[str, Any] = {"cpus": os.cpu_count(), "seconds_per_cell": seconds}
    with tempfile.TemporaryDirectory() as folder:
        cells = result["rates"] = []
        for hz in rates:
            bundle = _bundle(Path(folder), robot, hz)
            for realtime in (False, True):
                for executor in ("single", "events"):
                    cells.append(_cell(bundle, robot, hz, executor, realtime, seconds))
        if geometry is not None:
            bundle = _bundle(Path(folder), robot, 100.0, geometry)
            result["fence"] = [
                _cell(bundle, robot, 100.0, executor, realtime, seconds, FENCE)
                for realtime in (False, True)
                for executor in ("single", "events")
            ]
        if soak:
            bundle = _bundle(Path(folder), robot, 100.0)
            _, watched, _ = _drive(bundle, robot, 100.0, "single", True, soak)
            result["soak"] = {"seconds": soak, **watched}
    result["load"] = os.getloadavg()[2]
    return result


def _bundle(
    folder: Path, robot: str, hz: float, geometry: Geometry | None = None
) -> Path:
    bundle = folder / f"bundle{hz:g}{'' if geometry is None else '_fence'}"
    if not bundle.exists():
        sample_bundle(bundle, get_robot(robot), 1.0 / hz, geometry=geometry)
    return bundle


def _cell(
    bundle: Path,
    robot: str,
    hz: float,
    executor: str,
    realtime: bool,
    seconds: float,
    extra: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure one cell, its floor half before and half after it."""
    half, stolen, start = max(1.0, 0.5 * seconds), _steal(), time.monotonic()
    before = _floor(robot, hz, realtime, half)
    fields, watched, trip = _drive(
        bundle, robot, hz, executor, realtime, seconds, extra
    )
    after = _floor(robot, hz, realtime, half)
    floor = {k: 0.5 * (before[k] + after[k]) for k in before}
    tick = _number(fields, "work_p50_us")
    stolen = (_steal() - stolen) / (time.monotonic() - start)
    return {
        "hz": hz,
        "executor": executor,
        "realtime": realtime,
        "missed_percent": float(fields.get("missed_percent", math.nan)),
        "floor_missed_percent": floor["missed_percent"],
        "jitter_p50_us": _number(fields, "lateness_p50_us"),
        "jitter_p99_us": _number(fields, "lateness_p99_us"),
        "floor_jitter_p99_us": floor["jitter_p99_us"],
        "tick_p50_us": tick,
        "tick_p99_us": _number(fields, "work_p99_us"),
        "mlp_p50_us": floor["mlp_p50_us"],
        "tick_per_mlp": tick / floor["mlp_p50_us"],
        "publish_p50_us": _number(fields, "publish_p50_us"),
        "publish_p99_us": _number(fields, "publish_p99_us"),
        "inference_p50_us": _number(fields, "inference_p50_us"),
        "state_age_p50_us": _number(fields, "state_age_p50_us"),
        **trip,
        "cpu_percent": watched["cpu_percent"],
        "steal_percent": 100 * stolen / (os.cpu_count() or 1),
        "granted": fields.get("realtime", ""),
    }


def _drive(
    bundle: Path,
    robot: str,
    hz: float,
    executor: str,
    realtime: bool,
    seconds: float,
    extra: Sequence[str] = (),
) -> tuple[dict[str, str], dict[str, float], dict[str, float]]:
    """Run plant, node and a sender of targets; return what each has measured."""
    folder = Path(tempfile.mkdtemp(dir=bundle.parent))
    report, trip = folder / "node.json", folder / "trip.json"
    environment = {
        "ROS_DOMAIN_ID": BENCH_DOMAIN,
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
    }
    node = ["deploy", str(bundle), "--seconds", str(seconds + START), "--wait", "30"]
    node += ["--json", str(report), "--executor", executor]
    node += [*extra, *([] if realtime else ["--no-realtime"])]
    plant = ["plant", "--robot", robot, "--rate", f"{max(2 * hz, 250):g}"]
    sender = [sys.executable, "-m", "forearm.deploy.bench_node", robot, str(trip)]
    commands = {"plant": forearm(*plant), "sender": sender, "node": forearm(*node)}
    tasks = [
        Task(name=name, command=command, environment=environment)
        for name, command in commands.items()
    ]
    with supervised(tasks, folder) as running:
        watched = watch_process(running["node"], seconds + START + 40.0)
        running["sender"].stop()
    fields = json.loads(report.read_text()) if report.is_file() else {}
    return fields, watched, json.loads(trip.read_text()) if trip.is_file() else {}


def watch_process(process: Process, longest: float) -> dict[str, float]:
    """Watch a process until it ends, at most ``longest`` [s].

    Returns:
        ``cpu_percent`` of one core, and resident memory [MB], threads and file
        descriptors after a third of the time, ``_start``, and at its end, ``_end``.
    """
    begin, samples = time.monotonic(), []
    while process.status() is None and time.monotonic() - begin < longest:
        sample = _sample(process.pid)
        if sample is not None and sample["time"] - begin > START:
            samples.append(sample)
        time.sleep(0.25)
    ended = time.monotonic()
    # While it ends, a process has given back some of what it held.
    samples = [s for s in samples if ended - s["time"] > ENDING]
    if not samples:
        return {"cpu_percent": math.nan}
    first, last = samples[0], samples[-1]
    passed = max(last["time"] - first["time"], 1e-9)
    result = {"cpu_percent": 100 * (last["cpu"] - first["cpu"]) / passed}
    first = samples[len(samples) // 3]  # by then memory is locked and all is loaded
    for name in ("memory_mb", "threads", "descriptors"):
        result[f"{name}_start"], result[f"{name}_end"] = first[name], last[name]
    return result


def _sample(pid: int) -> dict[str, float] | None:
    try:
        # Fields after the program's name: proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    return {
        "time": time.monotonic(),
        "cpu": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        "threads": int(fields[17]),
        "memory_mb": int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "descriptors": descriptors,
    }


def _number(fields: dict[str, str], name: str) -> float:
    return float(fields.get(name, "nan"))


def _floor(robot: str, hz: float, realtime: bool, seconds: float) -> dict[str, float]:
    """Measure an empty loop and the bare network in a process of their own."""
    code = (
        "import json; from forearm.deploy.bench import floor;"
        f"print(json.dumps(floor({robot!r}, {hz}, {realtime}, {seconds})))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    values: dict[str, float] = json.loads(out.stdout)
    return values


def floor(robot: str, hz: float, realtime: bool, seconds: float) -> dict[str, float]:
    """Measure what no node can beat here.

    Returns:
        ``missed_percent`` and ``jitter_p99_us`` of an empty loop, and ``mlp_p50_us``:
        ``session.run`` of a bare network of the policy's size at the same rate.
    """
    run_mlp = bare_mlp(get_robot(robot))
    if realtime:
        enter_realtime()
    schedule, lateness = Schedule(1.0 / hz), Histogram()
    for _ in range(int(seconds * hz)):
        lateness.add(schedule.wait())
    missed = 100.0 * schedule.missed / (schedule.ticks + schedule.missed)
    schedule, mlp = Schedule(1.0 / hz), Histogram()
    for _ in range(int(min(seconds, 2.0) * hz)):
        schedule.wait()
        start = time.perf_counter()
        run_mlp()
        mlp.add(time.perf_counter() - start)
    return {
        "missed_percent": missed,
        "jitter_p99_us": 1e6 * lateness.quantile(0.99),
        "mlp_p50_us": 1e6 * mlp.quantile(0.5),
    }


def _steal() -> float:
    """CPU time the hypervisor took away since boot [s]."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return float(first[8]) / os.sysconf("SC_CLK_TCK")
