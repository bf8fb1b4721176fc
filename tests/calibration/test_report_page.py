"""The calibration report opens from a file in a real browser and shows everything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forearm.calibration.calibrate import Result
from forearm.calibration.finding import Finding
from forearm.calibration.page_charts import thin
from forearm.calibration.page_numbers import interval
from forearm.calibration.predicted import predicted
from forearm.calibration.report import write_report
from forearm.calibration.verdict import judge
from forearm.core.robots import get_robot

ROBOT = get_robot("ur5e")
SIZE = 6_000_000
"""A page that mails and opens at once [bytes]; plotly's script is 4.8 million."""

pytestmark = pytest.mark.slow


def test_the_report_needs_no_network_and_tells_everything(
    calibrated: Result, browse: Callable[[Path], Any], tmp_path: Path
) -> None:
    check = Finding(
        code="spikes",
        log="a.mcap",
        rows=((3, 7), (12, 12)),
        action="dropped",
        sentence="<b>2</b> rows jump",
    )
    result = dataclasses.replace(
        calibrated,
        checks=[*calibrated.checks, check],
        findings=[*calibrated.findings, str(check)],
        unidentifiable=["drive gain and link mass cannot be told apart"],
    )
    envelope = predicted(result)
    assert envelope is not None
    path = tmp_path / "report.html"
    write_report(path, result, envelope)
    assert path.stat().st_size < SIZE
    page = browse(path)
    # Two charts: error against horizon by joint and tool with the noise floor, and
    # motion by joint with measured, nominal, calibrated and the predicted range.
    charts = page.locator(".plotly-graph-div")
    assert charts.count() == 2
    assert charts.nth(0).locator(".trace").count() == 3 * (ROBOT.n + 1)
    assert charts.nth(1).locator(".trace").count() == 4 * ROBOT.n
    text = page.inner_text("body")
    assert "Verdict:" in page.inner_text(".verdict")
    assert page.locator(".verdict p").count() == 3
    for part in (result.before, result.after):
        assert f"{part:.3g}" in text
    assert "drive gain and link mass cannot be told apart" in text
    for said in ("rows 3-7, 12", "rows left out", "<b>2</b> rows jump"):
        assert said in text
    for finding in result.findings:
        assert finding.removeprefix(f"{result.checks[0].log}: ")[:40] in text or (
            finding == str(check)
        )
    for joint, part in envelope.inside.items():
        assert joint in text
        assert f"{part:.1%}" in text
    _shows_parameters(result, text)


def _shows_parameters(result: Result, text: str) -> None:
    words = {"measured": "fitted", "guess": "guess"}
    for name, param in result.params.params.items():
        assert name in text
        for i, value in enumerate(param.value):
            assert f"{value:.4g}" in text
            origin = param.provenance
            assert words[origin if isinstance(origin, str) else origin[i]] in text
            if param.std and param.std[i] > 0:
                low, high = interval(name, value, param.std[i])
                assert f"{low:.4g} … {high:.4g}" in text


def test_thinned_lines_keep_every_peak_and_gap() -> None:
    time = np.arange(10_000.0)
    rows = np.sin(time / 500)
    rows[1234], rows[5678] = 7.0, -9.0
    rows[4000:4050] = np.nan
    x, y = thin(time, rows, 400)
    assert len(x) < 500
    assert (y[x == 1234], y[x == 5678]) == (7.0, -9.0)
    assert np.isnan(y[(x >= 4000) & (x < 4050)]).all()
    assert (np.diff(x) > 0).all()


def test_an_interval_of_a_gain_is_a_factor_and_never_negative() -> None:
    low, high = interval("kp", 100.0, 150.0)
    assert low * high == pytest.approx(1e4)
    assert 0 < low < 10
    assert interval("command_delay", 0.001, 0.004)[0] == 0.0
    assert interval("payload_mass", 2.0, 0.1)[1] == pytest.approx(2.164, abs=1e-3)


@pytest.mark.parametrize(
    ("before", "after", "inside", "findings", "grade", "said"),
    [
        (10.0, 1.0, 0.97, [], "good", "use it."),
        (10.0, 9.9, 0.97, [], "bad", "keep the nominal values"),
        (0.12, 0.12, 0.97, [], "good", "as well as the sensors can tell"),
        (10.0, 1.0, 0.6, [], "care", "a_joint moves outside"),
        (10.0, 1.0, 0.97, ["b_joint keeps nominal values: x"], "care", "b_joint keeps"),
    ],
)
def test_the_verdict_follows_from_the_figures(
    before: float,
    after: float,
    inside: float,
    findings: list[str],
    grade: str,
    said: str,
) -> None:
    verdict = judge(before, after, 0.1, {"a_joint": inside}, findings)
    assert verdict.grade == grade
    assert said in verdict.sentence
