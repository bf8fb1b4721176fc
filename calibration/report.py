"""The calibration report: one HTML page that needs nothing else."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forearm.core.files import write_atomic

from .calibrate import UNIT, Result

COLORS = {"measured": "#222222", "nominal": "#d9822b", "calibrated": "#1f77b4"}
"""Color of each trace."""

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;"
    "border-bottom:1px solid #ddd;text-align:right}td:first-child{text-align:left}"
)


def write_report(path: str | Path, result: Result) -> None:
    """Write the report of ``result`` as one self-contained HTML file.

    Raises:
        FileError: the file cannot be written.
    """
    chart = _traces(result).to_html(full_html=False, include_plotlyjs=True)
    title = f"Calibration of {escape(result.robot.title)}"
    parts = [
        f"<h1>{title}</h1>",
        f"<p>Held-out open-loop error over half a second: <b>{result.before:.2f} "
        f"{UNIT}</b> nominal, <b>{result.after:.2f} {UNIT}</b> calibrated "
        f"({result.seconds:.1f} s).</p>",
        "<h2>Findings</h2>",
        _list(result.findings, "Nothing worth saying."),
        "<h2>Not identifiable from these logs</h2>",
        _list(result.unidentifiable, "Every parameter is identified."),
        "<h2>Held-out error by joint</h2>",
        _errors(result),
        "<h2>Held-out motion, measured and simulated</h2>",
        "<p>Each piece starts as measured and follows the commands alone.</p>",
        chart,
        "<h2>Parameters</h2>",
        _params(result),
    ]
    head = f"<meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>"
    body = "\n".join(parts)
    write_atomic(
        path,
        f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>",
    )


def _list(sentences: list[str], empty: str) -> str:
    if not sentences:
        return f"<p>{empty}</p>"
    return "<ul>" + "".join(f"<li>{escape(s)}</li>" for s in sentences) + "</ul>"


def _table(header: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    ]
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _errors(result: Result) -> str:
    names = list(next(iter(result.per_joint.values())))
    units = {name: "Nm" if name.startswith("effort") else UNIT for name in names}
    header = ["joint", *[f"{n.replace('_', ' ')} [{units[n]}]" for n in names]]
    rows = [
        [joint, *[f"{errors[name]:.3g}" for name in names]]
        for joint, errors in result.per_joint.items()
    ]
    return _table(header, rows)


def _params(result: Result) -> str:
    rows = []
    for name, param in result.params.params.items():
        shared = len(param.value) != result.robot.n
        parts = [f"all [{i}]" for i in range(len(param.value))]
        whole = parts if len(parts) > 1 else ["all"]
        joints = whole if shared else list(result.robot.joint_names)
        for i, joint in enumerate(joints):
            origin = param.provenance
            rows.append(
                [
                    name,
                    joint,
                    f"{param.value[i]:.4g}",
                    f"{param.std[i]:.2g}" if param.std else "",
                    param.unit,
                    origin if isinstance(origin, str) else origin[i],
                ]
            )
    return _table(["parameter", "joint", "value", "std", "unit", "from"], rows)


def _traces(result: Result) -> Any:
    names, first = result.robot.joint_names, result.held[0]
    figure = make_subplots(
        rows=len(names), cols=1, shared_xaxes=True, subplot_titles=names
    )
    for j in range(len(names)):
        for kind, color in COLORS.items():
            x: list[float | None] = []
            y: list[float | None] = []
            for window, simulated in zip(result.held, result.simulated, strict=True):
                if window.log is not first.log:
                    continue
                rows = {
                    "measured": window.log.position[window.rows],
                    "nominal": simulated[0, 0],
                    "calibrated": simulated[1, 0],
                }[kind]
                start = window.start - float(first.log.time[0])
                # The gap keeps one window's end from being joined to the next start.
                x += [*np.round(window.time + start, 4).tolist(), None]
                y += [*np.round(rows[:, j], 6).tolist(), None]
            line = {"color": color, "dash": "dash" if kind == "measured" else "solid"}
            trace = go.Scatter(
                x=x, y=y, name=kind, legendgroup=kind, line=line, showlegend=j == 0
            )
            figure.add_trace(trace, row=j + 1, col=1)
    figure.update_yaxes(title_text="rad")
    figure.update_xaxes(title_text="time in the first log [s]", row=len(names), col=1)
    figure.update_layout(height=220 * len(names), template="plotly_white")
    return figure
