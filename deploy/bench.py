"""Timing of the control loop: bare-loop floor, then the real node, in the same run."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from forearm.core.robots import get_robot

from .histogram import Histogram
from .onnx_policy import OnnxPolicy
from .realtime import enter_realtime
from .sample import sample_bundle
from .schedule import Schedule
from .supervisor import Task, forearm, supervised

RATES = (50.0, 100.0, 200.0, 500.0)
"""Rates measured [Hz]."""

BENCH_DOMAIN = "99"
"""ROS domain of the benchmark's processes."""


def run(
    seconds: float = 10.0, rates: tuple[float, ...] = RATES, robot: str = "ur5e"
) -> dict[str, Any]:
    """Measure every rate with both executors, with and without real-time priority.

    Args:
        seconds: duration of each cell [s].
        rates: control rates [Hz].
        robot: short name of the arm.

    Returns:
        ``rates``: one entry per cell with ``hz``, ``executor``, ``realtime``,
        ``missed_percent``, ``floor_missed_percent``, jitter, tick and MLP times [us].
    """
    cells = []
    with tempfile.TemporaryDirectory() as folder:
        for hz in rates:
            bundle = Path(folder) / f"bundle{hz:g}"
            sample_bundle(bundle, get_robot(robot), 1.0 / hz)
            for executor in ("single", "events"):
                for realtime in (False, True):
                    cells.append(_cell(bundle, robot, hz, executor, realtime, seconds))
    return {"rates": cells, "cpus": os.cpu_count(), "seconds_per_cell": seconds}


def _cell(
    bundle: Path, robot: str, hz: float, executor: str, realtime: bool, seconds: float
) -> dict[str, Any]:
    report = bundle.parent / f"{bundle.name}_{executor}_{realtime}.json"
    environment = {
        "ROS_DOMAIN_ID": BENCH_DOMAIN,
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
    }
    command = ["deploy", str(bundle), "--seconds", str(seconds), "--json", str(report)]
    command += ["--executor", executor] + ([] if realtime else ["--no-realtime"])
    plant = ["plant", "--robot", robot, "--rate", f"{max(2 * hz, 250):g}"]
    target = [sys.executable, "-m", "forearm.deploy.bench", "--target", robot]
    tasks = [
        Task(name="plant", command=forearm(*plant), environment=environment),
        Task(name="target", command=target, environment=environment),
        Task(name="node", command=forearm(*command), environment=environment),
    ]
    floor, mlp = _floor(hz, realtime, min(seconds, 5.0)), _mlp(bundle, hz)
    steal = _steal()
    with supervised(tasks, bundle.parent / report.stem) as running:
        running["node"].wait(seconds + 30)
    fields = json.loads(report.read_text()) if report.is_file() else {}
    return {
        "hz": hz,
        "executor": executor,
        "realtime": realtime,
        "missed_percent": float(fields.get("missed_percent", math.nan)),
        "floor_missed_percent": floor,
        "jitter_p50_us": _number(fields, "lateness_p50_us"),
        "jitter_p99_us": _number(fields, "lateness_p99_us"),
        "tick_p50_us": _number(fields, "work_p50_us"),
        "tick_p99_us": _number(fields, "work_p99_us"),
        "publish_p50_us": _number(fields, "publish_p50_us"),
        "publish_p99_us": _number(fields, "publish_p99_us"),
        "inference_p50_us": _number(fields, "inference_p50_us"),
        "state_age_p50_us": _number(fields, "state_age_p50_us"),
        "mlp_p50_us": mlp,
        "steal_percent": 100 * (_steal() - steal) / (seconds * (os.cpu_count() or 1)),
        "granted": fields.get("realtime", ""),
    }


def _number(fields: dict[str, str], name: str) -> float:
    return float(fields.get(name, "nan"))


def _floor(hz: float, realtime: bool, seconds: float) -> float:
    """Missed periods of an empty loop [percent], in a process of its own."""
    code = (
        "from forearm.deploy.bench import floor;"
        f"print(floor({hz}, {realtime}, {seconds}))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(out.stdout)


def floor(hz: float, realtime: bool, seconds: float) -> float:
    """Return how many periods an empty loop misses here [percent]."""
    if realtime:
        enter_realtime()
    schedule = Schedule(1.0 / hz)
    for _ in range(int(seconds * hz)):
        schedule.wait()
    return 100.0 * schedule.missed / (schedule.ticks + schedule.missed)


def _mlp(bundle: Path, hz: float, runs: int = 200) -> float:
    """Median time of the graph alone, run at the rate it is used at [us]."""
    from forearm.core.bundle import load_bundle

    policy, histogram = OnnxPolicy(load_bundle(bundle)), Histogram()
    schedule = Schedule(1.0 / hz)
    for _ in range(runs):
        schedule.wait()
        start = time.perf_counter()
        policy.run()
        histogram.add(time.perf_counter() - start)
    return 1e6 * histogram.quantile(0.5)


def _steal() -> float:
    """CPU time the hypervisor took away since boot [s]."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return float(first[8]) / os.sysconf("SC_CLK_TCK")


def _publish_targets(robot: str) -> None:
    """Keep the arm moving until killed."""
    from .targets import Target, run_episodes

    info = {"episode_time": 1.0, "hold_time": 0.1}
    targets = [
        Target((0.2 * s, -0.2 * s, 0.1 * s), (1.0, 0.0, 0.0, 0.0))
        for s in (1.0, -1.0) * 1000
    ]
    run_episodes(get_robot(robot), targets, info)


if __name__ == "__main__":
    _publish_targets(sys.argv[-1])
