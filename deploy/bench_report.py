"""docs/timing.md from what the benchmark measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

INTRO = """# Timing

Written by `forearm bench control --soak --markdown docs/timing.md` on {cpus} virtual
CPUs at a load average of {load:.0f}, {seconds:g} s per row: plant at twice the rate
(250 Hz or more), a node with the sample policy (two layers of 256) and a sender of
targets, each a process, over real DDS. The *floor* is an empty loop of the same rate
and priority, half before and half after each row, and then the bare network's
`session.run` at that rate.

* *late*: wake-up after the deadline. *tick*: from waking up, with all joint states that
  came in, to the safe command; *publish* comes after it. *tick/net*: medians.
* *round trip*: the medians along the way: the joint state's travel, its age when it is
  used (0 to 1 plant period), tick, publishing and the command's travel.
* *stolen*: CPU time that the hypervisor gave to others.

"""

FENCED = """
## With a fence

The node watches a workspace and the least clearance between the arm's own links, and
brakes before either is left: all distances are computed in each tick.

"""

COLUMNS = (
    ("Hz", "hz", "{:g}"),
    ("executor", "executor", "{}"),
    ("real-time", "realtime", "{}"),
    ("missed %", "missed_percent", "{:.2f}"),
    ("floor %", "floor_missed_percent", "{:.2f}"),
    ("late p50 us", "jitter_p50_us", "{:.0f}"),
    ("late p99 us", "jitter_p99_us", "{:.0f}"),
    ("floor p99 us", "floor_jitter_p99_us", "{:.0f}"),
    ("tick p50 us", "tick_p50_us", "{:.0f}"),
    ("tick p99 us", "tick_p99_us", "{:.0f}"),
    ("net p50 us", "mlp_p50_us", "{:.0f}"),
    ("tick/net", "tick_per_mlp", "{:.1f}"),
    ("publish p50 us", "publish_p50_us", "{:.0f}"),
    ("round trip ms", "round_trip_p50_us", "{}"),
    ("CPU %", "cpu_percent", "{:.0f}"),
    ("stolen %", "steal_percent", "{:.1f}"),
)
"""Heading, key and format."""


def round_trip(cell: Mapping[str, Any]) -> float:
    """Return the sum of the medians from a joint state to the command's arrival [us].

    ``cell`` is one entry of the benchmark's ``rates``.
    """
    parts = ("state_travel", "state_age", "tick", "publish", "command_travel")
    return sum(float(cell.get(f"{part}_p50_us", "nan")) for part in parts)


def _table(cells: Sequence[Mapping[str, Any]]) -> str:
    text = "| " + " | ".join(name for name, _, _ in COLUMNS) + " |\n"
    text += "|" + "---|" * len(COLUMNS) + "\n"
    for cell in cells:
        words = {True: "yes", False: "no"}
        shown = {
            **cell,
            "realtime": words[cell["realtime"]],
            "round_trip_p50_us": f"{round_trip(cell) / 1e3:.1f}",
        }
        row = (form.format(shown[key]) for _, key, form in COLUMNS)
        text += "| " + " | ".join(row) + " |\n"
    return text


def markdown(result: Mapping[str, Any]) -> str:
    """Return the page for a ``result`` of :func:`forearm.deploy.bench.run`."""
    text = INTRO.format(
        cpus=result["cpus"], seconds=result["seconds_per_cell"], load=result["load"]
    )
    text += _table(result["rates"])
    if result.get("fence"):
        text += FENCED + _table(result["fence"])
    soak = result.get("soak")
    if soak:
        text += (
            f"\n## {soak['seconds'] / 60:.0f} minutes at 100 Hz\n\n"
            f"Resident memory {soak['memory_mb_start']:.1f} MB after a third of it, "
            f"{soak['memory_mb_end']:.1f} MB at the end; "
            f"{soak['threads_start']:.0f} and {soak['threads_end']:.0f} threads; "
            f"{soak['descriptors_start']:.0f} and {soak['descriptors_end']:.0f} "
            f"file descriptors; {soak['cpu_percent']:.0f} % of one CPU.\n"
        )
    return text
