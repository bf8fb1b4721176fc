"""The page of ``forearm view``: shown by a real browser, its sliders reach the arm."""

import io
import shutil
import socket
import threading
import time

import imageio.v3 as imageio
import numpy as np
import pytest

from forearm.core.robots import get_robot
from forearm.sim.loop import ArmLoop
from forearm.sim.presets import PRESETS
from forearm.sim.tasks import get_task
from forearm.sim.view import Viewer
from forearm.sim.view_scene import profile_of, revolve

CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
UR5E = get_robot("ur5e")
REACH = get_task("reach")
PATIENCE = 60_000
"""How long a busy machine may take [ms]; only a failure waits that long."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def viewer():
    shown = Viewer(UR5E, REACH, port=free_port())
    stop = threading.Event()
    thread = threading.Thread(target=shown.run, args=(stop,))
    thread.start()
    yield shown
    stop.set()
    thread.join()


@pytest.fixture
def page():
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install it")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(OPTIONS)
        )
        opened = browser.new_page(viewport={"width": 900, "height": 700})
        opened.set_default_timeout(PATIENCE)
        yield opened
        browser.close()


def wait_for(condition):
    end = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def colours(page):
    """How many colours the middle of the scene shows."""
    shot = page.locator("canvas").first.screenshot()
    picture = imageio.imread(io.BytesIO(shot))[150:550, 100:500, :3]
    return len(np.unique(picture.reshape(-1, 3), axis=0))


@pytest.mark.slow
def test_a_browser_shows_the_arm_and_a_slider_changes_the_simulation(viewer, page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(viewer.url)
    page.get_by_text("ur5e, reach: joint sliders").wait_for()
    # An empty scene is a grid on white; a shaded arm has hundreds of colours.
    wait_for(lambda: colours(page) > 200)
    values = viewer.loop.batch.values
    assert values["payload_mass"][0, 0] == 0.0
    assert page.get_by_role("slider").count() == UR5E.n + len(viewer.sliders)
    thumb = page.get_by_role("slider").nth(UR5E.n + 1)
    thumb.focus()
    for _ in range(5):
        thumb.press("ArrowRight")
    # Five of the 200 positions of harsh's range of 0 to 2 kg.
    wait_for(lambda: abs(values["payload_mass"][0, 0] - 0.05) < 1e-9)
    mass = viewer.loop.batch.batch.expand("body_mass")
    body = viewer.loop.batch.model.body("payload").id
    assert mass[0, body] == pytest.approx(0.05, abs=1e-6)
    assert errors == []


def test_a_joint_slider_moves_the_arm_and_the_factor_scales_the_nominal():
    shown = Viewer(UR5E, REACH, port=free_port())
    try:
        before = shown.loop.batch.joint_pos[0].copy()
        shown._joints[0].value = before[0] + 0.2
        for _ in range(100):
            shown.step()
        moved = shown.loop.batch.joint_pos[0] - before
        # Two seconds at a quarter of 180 deg/s are plenty for 0.2 rad.
        assert moved[0] == pytest.approx(0.2, abs=0.01)
        assert np.abs(moved[1:]).max() < 0.02
        shown.sliders["kp"].value = 0.9
        shown.step()
        nominal = shown.loop.nominal["kp"]
        np.testing.assert_allclose(shown.loop.batch.values["kp"][0], 0.9 * nominal)
    finally:
        shown.server.stop()


def test_every_parameter_of_a_preset_has_a_slider_that_takes_both_ends():
    shown = Viewer(UR5E, get_task("insert"), port=free_port())
    try:
        for slider in shown.sliders.values():
            for end in (slider.min, slider.max):
                slider.value = end
                shown.step()
                assert not shown.loop.batch.unstable().any()
        assert shown.sliders.keys() == PRESETS["harsh"].terms.keys()
        shown.draw()
    finally:
        shown.server.stop()


def test_a_sensed_value_changes_within_the_episode():
    loop = ArmLoop(UR5E, REACH, 1, nthread=1)
    loop.reset()
    loop.set_values(np.zeros(1, np.intp), {"encoder_offset": np.full((1, UR5E.n), 0.1)})
    loop.step_command(loop.batch.joint_pos)
    off = loop.sensors["joint_pos"] - loop.batch.joint_pos
    np.testing.assert_allclose(off, 0.1, atol=1e-3)


@pytest.mark.parametrize(("kind", "length"), [(2, 0.0), (3, 0.3), (5, 0.3)])
def test_a_round_geom_is_as_large_as_in_the_model(kind, length):
    vertices, faces = revolve(profile_of(kind, np.array([0.1, length, 0.0])))
    # Sphere, capsule (half length without its caps), cylinder: half height.
    height = length + (0.1 if kind != 5 else 0.0)
    np.testing.assert_allclose(vertices.max(axis=0), [0.1, 0.1, height], atol=2e-3)
    np.testing.assert_allclose(vertices.min(axis=0), [-0.1, -0.1, -height], atol=2e-3)
    assert faces.max() < len(vertices)
