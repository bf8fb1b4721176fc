"""A stand-in arm, recorded: commands at 50 Hz, states at 100 Hz, sensor noise."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forearm.calibration.calibrate import Result, calibrate
from forearm.core.log import RunLog, make_log
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")


Record = Callable[..., RunLog]


def _record(
    seconds: float, spec: PlantSpec | None = None, seed: int = 0, size: float = 0.12
) -> RunLog:
    """Drive a plant with three sines per joint and record it."""
    spec = spec or PlantSpec(sensor={"noise": 1e-4, "velocity_noise": 2e-3})
    plant, rng = Plant(ROBOT, spec), np.random.default_rng(seed)
    rate = rng.uniform(0.3, 1.6, (3, ROBOT.n))
    phase = rng.uniform(0, 2 * np.pi, (3, ROBOT.n))
    states, sent = [], []
    for tick in range(round(seconds * 100)):
        if tick % 2 == 0:
            wave = size / rate * np.sin(2 * np.pi * rate * plant.time + phase)
            command = ROBOT.home + min(1.0, plant.time) * wave.sum(axis=0)
            plant.command(command)
            sent.append((plant.time, command))
        plant.advance(0.01)
        states.append(plant.read())
    effort = np.array([s.effort for s in states])
    return make_log(
        ROBOT.joint_names,
        np.array([s.time for s in states]),
        np.array([s.position for s in states]),
        np.array([s.velocity for s in states]),
        effort + 0.1 * rng.standard_normal(effort.shape),
        np.array([time for time, _ in sent]),
        np.array([command for _, command in sent]),
        source="a stand-in arm",
    )


@pytest.fixture(scope="session")
def record() -> Record:
    """Return what drives a plant and records it."""
    return _record


@pytest.fixture(scope="session")
def clean() -> RunLog:
    """Twelve seconds of the nominal arm."""
    return _record(12.0)


@pytest.fixture(scope="session")
def calibrated(clean: RunLog) -> Result:
    """What calibration finds in these twelve seconds."""
    return calibrate([clean], ROBOT)


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


Open = Callable[[Path], Any]


@pytest.fixture
def browse() -> Iterator[Open]:
    """Open a page in a real browser; it may neither complain nor ask the network."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install it")
    sync_api = pytest.importorskip("playwright.sync_api")
    wrong: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(OPTIONS)
        )

        def visit(path: Path) -> Any:
            page = browser.new_page()
            page.on(
                "console", lambda m: wrong.append(m.text) if m.type == "error" else 0
            )
            page.on("pageerror", lambda e: wrong.append(str(e)))
            page.on("request", lambda r: wrong.append(r.url) if _outside(r.url) else 0)
            page.goto(path.as_uri())
            page.wait_for_selector(".plotly-graph-div .scatterlayer .trace path")
            return page

        yield visit
        browser.close()
    assert wrong == []


def _outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))
