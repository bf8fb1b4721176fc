"""The calibration report opens from a file in a real browser and shows everything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forearm.calibration.calibrate import Result, calibrate
from forearm.calibration.report import write_report
from forearm.core.log import RunLog
from forearm.core.robots import get_robot

ROBOT = get_robot("ur5e")
CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install it"),
]


@pytest.fixture(scope="module")
def result(clean: RunLog) -> Result:
    return calibrate([clean.crop(0.0, 6.0)], ROBOT)


@pytest.fixture
def page() -> Iterator[Any]:
    """A browser page that records errors and requests."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(OPTIONS)
        )
        yield browser.new_page()
        browser.close()


def test_the_report_needs_no_network_and_shows_all_numbers(
    result: Result, page: Any, tmp_path: Path
) -> None:
    write_report(tmp_path / "report.html", result)
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector(".plotly-graph-div .scatterlayer .trace path")
    assert errors == []
    assert [u for u in asked if not u.startswith(("file:", "data:", "blob:"))] == []
    # One measured, nominal and calibrated line for every joint.
    assert page.locator(".scatterlayer .trace").count() == 3 * ROBOT.n
    text = page.inner_text("body")
    assert f"{result.before:.2f}" in text
    assert f"{result.after:.2f}" in text
    for finding in (*result.findings, *result.unidentifiable):
        assert finding in text
    for name, param in result.params.params.items():
        assert name in text
        for value in param.value:
            assert f"{value:.4g}" in text
