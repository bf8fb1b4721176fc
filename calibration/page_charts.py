"""Charts of a calibration: lines with few points that hide nothing, error by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forearm.core.log import Floats

COLORS = {"measured": "#222222", "nominal": "#d9822b", "calibrated": "#1f77b4"}
"""Color of each line."""

BAND = "rgba(31,119,180,0.2)"
"""Color of what the posterior predicts."""

MOST = 1500
"""Most points of a line; a screen is about as many pixels wide."""

ROW = 190
"""Height of one row of charts, in pixels."""

Line = tuple[Floats, Floats]
"""Stamps and values."""

Band = tuple[Floats, Floats, Floats]
"""Stamps, lower and upper edge."""


def thin(time: Floats, rows: Floats, most: int = MOST) -> Line:
    """Return at most about ``most`` points that show every extreme of the line.

    Of each stretch the lowest and the highest sample stay, where they are: a peak is
    drawn at its height, which leaving out every second sample would not do. Gaps (NaN)
    stay gaps.
    """
    if len(rows) <= most:
        return time, rows
    keep = [0, len(rows) - 1]
    for part in np.array_split(np.arange(len(rows)), most // 2):
        finite = part[np.isfinite(rows[part])]
        if len(finite) < len(part):
            keep += part[~np.isfinite(rows[part])][:1].tolist()
        if len(finite):
            keep += [
                int(finite[rows[finite].argmin()]),
                int(finite[rows[finite].argmax()]),
            ]
    index = np.unique(keep)
    return time[index], rows[index]


def single(line: Floats) -> Any:
    """Return a line in single precision, which halves the page."""
    return np.asarray(line, np.float32)


def stacked(titles: Sequence[str], unit: str, below: str) -> go.Figure:
    """Return an empty figure with one chart per title, one above the other."""
    rows = len(titles)
    figure = make_subplots(
        rows=rows,
        shared_xaxes=True,
        subplot_titles=list(titles),
        vertical_spacing=0.25 / max(rows, 2),
    )
    figure.update_yaxes(title_text=unit)
    figure.update_xaxes(title_text=below, row=rows, col=1)
    figure.update_layout(height=80 + ROW * rows, hovermode="x")
    return figure


def draw(figure: go.Figure, row: int, lines: Mapping[str, Line]) -> None:
    """Draw lines by name, measured dashed, into one chart of a figure."""
    for name, (time, values) in lines.items():
        figure.add_scatter(
            x=single(time),
            y=single(values),
            name=name,
            legendgroup=name,
            showlegend=row == 1,
            mode="lines",
            line={
                "color": COLORS[name],
                "width": 1.5,
                "dash": "dot" if name == "measured" else "solid",
            },
            row=row,
            col=1,
        )


def draw_band(figure: go.Figure, row: int, pieces: Sequence[Band]) -> None:
    """Draw ranges, one closed area per stretch of time, into one chart of a figure."""
    gap = np.array([np.nan])
    x = [part for t, _, _ in pieces for part in (t, t[::-1], gap)]
    y = [part for _, low, high in pieces for part in (high, low[::-1], gap)]
    figure.add_scatter(
        x=single(np.concatenate(x)),
        y=single(np.concatenate(y)),
        fill="toself",
        fillcolor=BAND,
        name="predicted range",
        legendgroup="predicted range",
        showlegend=row == 1,
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        row=row,
        col=1,
    )


def horizon_chart(
    horizons: Sequence[Mapping[str, Any]], floor: Mapping[str, Any]
) -> go.Figure:
    """Return the error against the time since the start, by joint and at the tool."""
    joints = list(horizons[0]["per_joint"])
    names = [*joints, "tool"]
    columns = min(4, len(names))
    figure = make_subplots(
        rows=-(-len(names) // columns),
        cols=columns,
        subplot_titles=[*(f"{j} [mrad]" for j in joints), "tool [mm]"],
    )
    seconds = [h["seconds"] for h in horizons]
    for k, name in enumerate(names):
        place = {"row": k // columns + 1, "col": k % columns + 1}
        rows = [h["tool"] if name == "tool" else h["per_joint"][name] for h in horizons]
        level = floor["tool"]["value"] if name == "tool" else floor["per_joint"][name]
        lines = {
            "nominal": [r["before"] for r in rows],
            "calibrated": [r["after"] for r in rows],
            "measured": [level] * len(seconds),
        }
        for kind, values in lines.items():
            title = "sensor noise" if kind == "measured" else kind
            figure.add_scatter(
                x=seconds,
                y=values,
                name=title,
                legendgroup=title,
                showlegend=k == 0,
                mode="lines" if kind == "measured" else "lines+markers",
                line={
                    "color": COLORS[kind],
                    "dash": "dot" if kind == "measured" else "solid",
                },
                **place,
            )
    figure.update_yaxes(type="log")
    figure.update_xaxes(
        type="log", tickvals=seconds, ticktext=[f"{s:g} s" for s in seconds]
    )
    figure.update_layout(height=80 + 220 * (-(-len(names) // columns)))
    return figure
