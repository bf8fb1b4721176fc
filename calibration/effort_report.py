"""One self-contained HTML page about a fit to efforts."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forearm.core.files import write_atomic

from .effort import UNIT, EffortResult

SHOWN = 1500
"""Samples of the first held-out log that are drawn."""


def write_effort_report(path: str | Path, result: EffortResult) -> None:
    """Write traces, errors, parameters and findings as one HTML file.

    Raises:
        FileError: the file cannot be written.
    """
    figure = _traces(result).to_html(full_html=False, include_plotlyjs="inline")
    json = result.as_json()["held_out"]
    rows = [
        (joint, *(f"{errors.get(k, float('nan')):.1f}" for k in _COLUMNS))
        for joint, errors in json["per_joint"].items()
    ]
    rows.append(("mean", *(f"{json[k]:.1f}" for k in _COLUMNS)))
    page = "".join(
        [
            f"<!doctype html><meta charset='utf-8'><title>Calibration of "
            f"{escape(result.robot.title)}</title>{_STYLE}",
            f"<h1>Calibration of the {escape(result.robot.title)}</h1>",
            f"<p>Error on data that was not fitted, {UNIT} of the measured effort.</p>",
            _table(("joint", "nominal", "calibrated", "plain MuJoCo"), rows),
            figure,
            "<h2>Parameters</h2>",
            _table(("parameter", "value", "±", "unit", "from"), _parameters(result)),
            "<h2>What these logs cannot tell</h2>",
            _list(result.unidentifiable),
            "<h2>Findings</h2>",
            _list(result.findings),
        ]
    )
    write_atomic(path, page)


_COLUMNS = ("before", "after", "native")

_STYLE = (
    "<style>body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto}"
    "td,th{padding:.15em 1em;text-align:right}td:first-child{text-align:left}</style>"
)


def _traces(result: EffortResult) -> go.Figure:
    motion = result.held[0]
    part = slice(0, SHOWN)
    time = motion.log.time[part] - motion.log.time[0]
    figure = make_subplots(
        rows=result.robot.n, shared_xaxes=True, subplot_titles=result.robot.joint_names
    )
    lines = {
        "measured": motion.effort[part],
        "nominal": result.nominal.predict(motion)[part],
        "calibrated": result.model.predict(motion)[part],
    }
    for j in range(result.robot.n):
        for (name, rows), color in zip(lines.items(), _COLORS, strict=True):
            figure.add_scatter(
                x=time,
                y=np.round(rows[:, j], 4),
                name=name,
                line={"color": color, "width": 1},
                showlegend=j == 0,
                row=j + 1,
                col=1,
            )
    unit = motion.unit
    figure.update_layout(
        height=220 * result.robot.n, title=f"Held-out {motion.name}: effort [{unit}]"
    )
    return figure


_COLORS = ("#999999", "#d95f02", "#1b6ca8")


def _parameters(result: EffortResult) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = []
    for name, param in result.params.params.items():
        origins = param.provenance
        for j, value in enumerate(param.value):
            origin = origins[j] if isinstance(origins, list) else origins
            width = f"{param.std[j]:.3g}" if param.std else ""
            joint = result.robot.joint_names[j]
            out.append((f"{joint} {name}", f"{value:.4g}", width, param.unit, origin))
    return out


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(line(r, "td") for r in rows)
    return f"<table>{line(head, 'th')}{body}</table>"


def _list(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(i)}</li>" for i in items) + "</ul>"
