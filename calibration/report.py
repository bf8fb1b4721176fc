"""The report of a replayed calibration: one HTML page that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from forearm.core.log import Floats

from .envelope import Envelope
from .horizon import HORIZONS
from .page import Page, short
from .page_charts import Line, draw, draw_band, horizon_chart, stacked, thin
from .page_findings import add_findings, add_unknown
from .page_numbers import add_parameters
from .result import UNIT, Result
from .verdict import judge, known_sentence, times
from .windows import Window

LOGS = 4
"""Most logs of a bench that are drawn; of an arm it is one, with all its joints."""


def write_report(
    path: str | Path, result: Result, predicted: Envelope | None = None
) -> None:
    """Write the report of ``result`` as one self-contained HTML file.

    Args:
        path: where to.
        result: from :func:`forearm.calibration.calibrate.calibrate`.
        predicted: what the intervals predict for the held-out windows.

    Raises:
        FileError: the file cannot be written.
    """
    page = Page(f"Calibration of {result.robot.title}")
    _summary(page, result, predicted)
    _errors(page, result)
    _motion(page, result, predicted)
    if predicted is not None:
        add_envelope(page, predicted)
    add_parameters(page, result.robot, result.params)
    add_unknown(page, result.unidentifiable)
    add_findings(page, result.checks, result.findings)
    page.write(path)


def _summary(page: Page, result: Result, predicted: Envelope | None) -> None:
    names = [str(name) for name in result.params.notes.get("logs", [])]
    logs = f"{len(names)} logs" if len(names) != 1 else f"one log ({short(names[0])})"
    inside = predicted.inside if predicted is not None else {}
    verdict = judge(
        result.before, result.after, _floor(result), inside, result.findings
    )
    page.verdict(
        verdict.grade,
        [
            f"{result.robot.title}: simulator values were fitted to {logs} in "
            f"{result.seconds:.1f} s and judged on {_span(result)} that no fit has "
            "seen.",
            f"There the simulated position is {result.after:.3g} {UNIT} off the "
            f"measured one with the fitted values and {result.before:.3g} {UNIT} with "
            f"the nominal ones: {times(result.before, result.after)} "
            f"({result.measure}).",
            f"{known_sentence(result.params, inside)} {verdict.sentence}",
        ],
    )


def _floor(result: Result) -> float:
    """Return the sensor noise as the held-out error counts it [mrad]."""
    noise = list(result.noise_floor.get("per_joint", {}).values())
    return float(np.sqrt(np.mean(np.square(noise)))) if noise else 0.0


def _span(result: Result) -> str:
    seconds = sum(float(w.time[-1]) for w in result.held)
    count = len({id(w.log) for w in result.held})
    return f"{seconds:.1f} s of motion from {count} log{'s' if count > 1 else ''}"


def _errors(page: Page, result: Result) -> None:
    page.section(
        "error",
        "Error on motion that was not fitted",
        f"{result.measure[:1].upper()}{result.measure[1:]}. Each stretch starts as "
        "measured and then follows the recorded commands alone, so errors add up with "
        "time. Sensor noise is the floor that no model can go below.",
    )
    if result.horizons:
        page.chart(horizon_chart(result.horizons, result.noise_floor))
        page.table(*_horizon_table(result))
        if result.horizons[-1]["seconds"] < HORIZONS[-1]:
            page.note(
                f"No held-out stretch is {HORIZONS[-1]:g} s long: record longer, or "
                "give --holdout-logs."
            )
    page.table(*_joint_table(result))
    rows = [
        [short(name), *(f"{errors[k]:.3g}" for k in ("before", "after"))]
        for name, errors in result.per_log.items()
    ]
    page.table(["log", f"nominal [{UNIT}]", f"calibrated [{UNIT}]"], rows)


def _horizon_table(result: Result) -> tuple[list[str], list[list[str]]]:
    header, floor = ["joint"], result.noise_floor
    for h in result.horizons:
        header += [f"{h['seconds']:g} s nominal", f"{h['seconds']:g} s calibrated"]
    rows = []
    for joint in result.per_joint:
        pairs = [h["per_joint"][joint] for h in result.horizons]
        rows.append(_cells(f"{joint} [{UNIT}]", pairs, floor["per_joint"][joint]))
    tools = [h["tool"] for h in result.horizons]
    rows.append(_cells("tool [mm]", tools, floor["tool"]["value"]))
    return [*header, "sensor noise"], rows


def _cells(name: str, pairs: list[dict[str, float]], floor: float) -> list[str]:
    numbers = [f"{p[k]:.3g}" for p in pairs for k in ("before", "after")]
    return [name, *numbers, f"{floor:.2g}"]


def _joint_table(result: Result) -> tuple[list[str], list[list[str]]]:
    names = list(next(iter(result.per_joint.values())))
    words = {"before": "nominal", "after": "calibrated"}
    header = ["joint"]
    for name in names:
        kind = words[name.removeprefix("effort_")]
        effort = name.startswith("effort_")
        header.append(f"torque {kind} [Nm]" if effort else f"{kind} [{UNIT}]")
    return header, [
        [joint, *(f"{errors[name]:.3g}" for name in names)]
        for joint, errors in result.per_joint.items()
    ]


def _motion(page: Page, result: Result, predicted: Envelope | None) -> None:
    page.section(
        "motion",
        "Measured and simulated motion",
        "Held-out stretches; between them nothing is drawn. Long lines are drawn by "
        "the lowest and highest sample of each stretch, so that peaks stay.",
    )
    page.chart(_traces(result, predicted))


def _traces(result: Result, predicted: Envelope | None) -> go.Figure:
    logs = list({id(w.log): w.log for w in result.held}.values())
    joints = list(result.robot.joint_names)
    shown = logs[:1] if len(joints) > 1 else logs[:LOGS]
    names = [short(str(log.meta.get("source", "log"))) for log in shown]
    titles = joints if len(joints) > 1 else names
    figure = stacked(titles, "rad", f"time in {names[0]} [s]" if joints[1:] else "s")
    for k, log in enumerate(shown):
        mine = [i for i, w in enumerate(result.held) if w.log is log]
        for j in range(len(joints)):
            row = k + j + 1
            if predicted is not None:
                _band(figure, row, predicted, log, j)
            draw(figure, row, _lines(result, mine, j))
    return figure


def _lines(result: Result, mine: list[int], j: int) -> dict[str, Line]:
    parts: dict[str, list[Floats]] = {"measured": [], "nominal": [], "calibrated": []}
    times = []
    for i in mine:
        window, simulated = result.held[i], result.simulated[i]
        times.append(_stamps(window))
        parts["measured"].append(window.log.position[window.rows][:, j])
        parts["nominal"].append(simulated[0, 0][:, j])
        parts["calibrated"].append(simulated[1, 0][:, j])
    time = _joined(times)
    return {name: thin(time, _joined(rows)) for name, rows in parts.items()}


def _stamps(window: Window) -> Floats:
    return window.time + (window.start - float(window.log.time[0]))


def _joined(parts: list[Floats]) -> Floats:
    # The gap keeps one window's end from being joined to the next start.
    gap = np.array([np.nan])
    return np.concatenate([piece for part in parts for piece in (part, gap)])


def _band(figure: go.Figure, row: int, predicted: Envelope, log: Any, j: int) -> None:
    mine = [i for i, w in enumerate(predicted.windows) if w.log is log]
    if not mine:
        return
    pieces = [
        (
            _stamps(predicted.windows[i]),
            predicted.low[i][:, j],
            predicted.high[i][:, j],
        )
        for i in mine
    ]
    draw_band(figure, row, pieces)


def add_envelope(page: Page, predicted: Envelope) -> None:
    """Add whether the real motion lies inside what the posterior predicts."""
    page.section(
        "envelope",
        "Does the real motion lie inside what is predicted?",
        "Simulators drawn from the fitted values and their intervals, those "
        "that training would see, span a range (the band in the charts above). "
        "A measured sample is inside when it lies in that range or within three times "
        "the sensor noise of it.",
    )
    page.table(
        ["joint", "samples inside", "median width [mrad]"],
        [
            [joint, f"{part:.1%}", f"{1e3 * predicted.width[joint]:.3g}"]
            for joint, part in predicted.inside.items()
        ],
    )
    page.items(predicted.findings(), "Every joint stays inside in nine samples of ten.")
