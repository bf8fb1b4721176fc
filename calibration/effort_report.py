"""One self-contained HTML page about a fit to efforts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from forearm.core.log import Floats

from .effort import UNIT, EffortResult
from .effort_envelope import EffortEnvelope
from .effort_model import Model
from .horizon import HORIZONS
from .motion import STANDSTILL
from .page import Page, short
from .page_charts import COLORS, draw, draw_band, stacked, thin
from .page_findings import add_findings, add_unknown
from .page_links import add_links
from .page_numbers import add_parameters
from .score import errors, noise_floor
from .verdict import judge, known_sentence, times

_COLUMNS = ("before", "after", "native")

WORDS = ("nominal", "calibrated", "plain MuJoCo")
"""The columns in words."""


def write_effort_report(
    path: str | Path,
    result: EffortResult,
    predicted: EffortEnvelope,
    loads: list[dict[str, Any]] | None = None,
) -> None:
    """Write traces, errors, parameters and findings as one HTML file.

    Args:
        path: where to.
        result: the calibration.
        predicted: what the intervals predict for the held-out logs.
        loads: weighed loads, as in ``--json``.

    Raises:
        FileError: the file cannot be written.
    """
    page = Page(f"Calibration of {result.robot.title}")
    _summary(page, result, predicted)
    _errors(page, result)
    page.section(
        "motion",
        "Measured and predicted effort",
        f"The held-out log {short(result.held[0].name)}. Lines are drawn by the lowest "
        "and highest sample of each stretch, so that peaks stay. The band is what the "
        "fitted intervals and the sensors' noise predict.",
    )
    page.chart(_traces(result, predicted))
    _envelope(page, predicted)
    _loads(page, loads or [])
    add_parameters(page, result.robot, result.params)
    add_links(page, result)
    add_unknown(page, result.unidentifiable)
    add_findings(page, result.checks, result.findings)
    page.write(path)


def _summary(page: Page, result: EffortResult, predicted: EffortEnvelope) -> None:
    held = result.as_json()["held_out"]
    logs, judges = len(result.choice.motions), len(result.held)
    kind = "motor currents" if result.held[0].unit == "A" else "joint torques"
    seconds = sum(m.log.duration for m in result.held)
    verdict = judge(
        held["before"],
        held["after"],
        0.0,
        {j: p / 0.9 for j, p in predicted.inside.items()},
        result.findings,
    )
    page.verdict(
        verdict.grade,
        [
            f"{result.robot.title}: drive gains, friction, armature and link inertials "
            f"were fitted to the {kind} of {logs} log{'s' if logs > 1 else ''} in "
            f"{result.seconds:.1f} s and judged on {seconds:.0f} s from {judges} "
            f"log{'s' if judges > 1 else ''} or part{'s' if judges > 1 else ''} that "
            "no fit has seen.",
            f"There the predicted effort is {held['after']:.3g} {UNIT} off the "
            f"measured one with the fitted values and {held['before']:.3g} {UNIT} with "
            f"the data sheet's: {times(held['before'], held['after'])}; plain MuJoCo "
            f"reaches {held['native']:.3g} {UNIT}, and {held['noise_floor']:.2g} "
            f"{UNIT} is noise that no model predicts.",
            f"{known_sentence(result.params, predicted.inside)} {verdict.sentence}",
        ],
    )


def _errors(page: Page, result: EffortResult) -> None:
    page.section(
        "error",
        "Error on data that was not fitted",
        f"Root mean square of measured minus predicted effort in {UNIT} of the "
        f"measured effort's, where the joint is faster than {STANDSTILL:g} rad/s. The "
        "prediction needs no start and does not drift with time, so it is the same at "
        "0.1 s and at 2 s. Noise is what a smooth curve through neighbouring samples "
        "leaves: no model can go below it.",
    )
    floor = noise_floor(result.held)
    models = (result.nominal, result.model, result.native)
    table = [errors(model, result.held) for model in models]
    page.chart(_bars(result, table, floor))
    rows = [
        [joint, *(_cell(e[j]) for e in (*table, floor))]
        for j, joint in enumerate(result.robot.joint_names)
    ]
    rows.append(["mean", *(_cell(float(np.nanmean(e))) for e in (*table, floor))])
    page.table(["joint", *WORDS, "noise"], rows)
    logs = result.per_log().items()
    page.table(
        ["log", *WORDS],
        [[short(name), *(_cell(found[c]) for c in _COLUMNS)] for name, found in logs],
    )
    page.note(
        "Averaged over a while, noise cancels and what the model does not know stays:"
    )
    page.table(["averaged over", "nominal", "calibrated"], _by_time(result))


def _cell(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "still"


def _by_time(result: EffortResult) -> list[list[str]]:
    """Return the mean error of efforts averaged over each horizon."""
    models = (result.nominal, result.model)
    return [
        [
            f"{seconds:g} s",
            *(_cell(float(np.nanmean(_averaged(result, m, seconds)))) for m in models),
        ]
        for seconds in HORIZONS
    ]


def _averaged(result: EffortResult, model: Model, seconds: float) -> Floats:
    top = np.zeros(result.robot.n)
    bottom = np.zeros(result.robot.n)
    for motion in result.held:
        width = max(1, round(seconds / float(np.median(np.diff(motion.log.time)))))
        kernel = np.ones(width) / width
        wrong = np.where(motion.moving, motion.effort - model.predict(motion), 0.0)
        size = np.where(motion.moving, motion.effort, 0.0)
        for total, rows in ((top, wrong), (bottom, size)):
            total += [
                (np.convolve(column, kernel, "valid") ** 2).mean() for column in rows.T
            ]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(100 * np.sqrt(top / np.where(bottom > 0, bottom, np.nan)))


def _bars(result: EffortResult, table: list[Floats], floor: Floats) -> go.Figure:
    figure = go.Figure()
    colors = (COLORS["nominal"], COLORS["calibrated"], "#7fb3d8", "#999999")
    for name, rows, color in zip(
        (*WORDS, "noise"), (*table, floor), colors, strict=True
    ):
        figure.add_bar(
            x=list(result.robot.joint_names),
            y=np.round(rows, 2),
            name=name,
            marker={"color": color},
        )
    figure.update_yaxes(title_text=f"error [{UNIT}]")
    figure.update_layout(height=320, barmode="group")
    return figure


def _traces(result: EffortResult, predicted: EffortEnvelope) -> go.Figure:
    motion = result.held[0]
    time = motion.log.time - motion.log.time[0]
    lines = {
        "measured": motion.effort,
        "nominal": result.nominal.predict(motion),
        "calibrated": result.model.predict(motion),
    }
    figure = stacked(result.robot.joint_names, motion.unit, "time in this log [s]")
    for j in range(result.robot.n):
        _band(figure, j, time, predicted)
        draw(
            figure,
            j + 1,
            {name: thin(time, rows[:, j]) for name, rows in lines.items()},
        )
    return figure


def _band(figure: go.Figure, j: int, time: Floats, predicted: EffortEnvelope) -> None:
    # Both edges at the same stamps, or the fill between them would not be the band.
    step = max(1, len(time) // 1000)
    low, high = (rows[0][::step, j] for rows in (predicted.low, predicted.high))
    draw_band(figure, j + 1, [(time[::step], low, high)])


def _envelope(page: Page, predicted: EffortEnvelope) -> None:
    page.section(
        "envelope",
        "Do the measured efforts lie inside what is predicted?",
        "Nine samples of ten should lie inside the band of the charts above, drawn "
        "from the fitted values' covariance and the sensors' white noise.",
    )
    rows: Mapping[str, float] = predicted.inside
    page.table(
        ["joint", "samples inside", "median width, part of the RMS effort"],
        [[j, f"{part:.1%}", f"{predicted.width[j]:.1%}"] for j, part in rows.items()],
    )
    page.items(predicted.findings(), "Every joint's efforts lie inside often enough.")


def _loads(page: Page, loads: list[dict[str, Any]]) -> None:
    if not loads:
        return
    page.section("loads", "Weighed loads")
    rows = []
    for load in loads:
        low, high = load["interval_90"]
        com = ", ".join(f"{1e3 * c:.0f}" for c in load["com"])
        span = "known: scales the drive gains" if load["known"] else ""
        span = span or f"{low:.3f} … {high:.3f}"
        rows.append([short(load["log"]), f"{load['mass']:.3f}", span, com])
    page.table(["log", "mass [kg]", "90 % interval", "centre of mass [mm]"], rows)
