"""``forearm play``: a real file that decodes, or one sentence and exit status 2."""

import os
import subprocess
import sys

import imageio.v3 as imageio
import pytest

from forearm.cli.main import main
from forearm.core.bundle import CONTRACT
from forearm.core.robots import get_robot
from forearm.deploy.sample import sample_bundle
from forearm.sim.tasks import get_task

SMALL = ("--size", "208", "160")
"""Pictures that are drawn in little time."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    bundle = tmp_path_factory.mktemp("bundle") / "sample"
    sample_bundle(bundle, get_robot("ur5e"))
    contract = bundle / CONTRACT
    text = contract.read_text()
    assert text.count('"task": "sample"') == 1
    contract.write_text(text.replace('"task": "sample"', '"task": "reach"'))
    return bundle


def play(run, video, backend, *more):
    return subprocess.run(
        [
            *(sys.executable, "-m", "forearm.cli.main", "play", str(run)),
            *("--video", str(video), *more),
        ],
        env={**os.environ, "MUJOCO_GL": backend},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_video_has_one_frame_per_control_period(run, tmp_path):
    video = tmp_path / "out" / "arm.mp4"
    done = play(run, video, "egl", "--episodes", "2", "--seed", "7", *SMALL)
    if "no off-screen GL backend" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    reach = get_task("reach")
    steps = round(reach.episode_time / reach.control_dt)
    frames = imageio.imread(video, plugin="FFMPEG")
    assert frames.shape == (2 * steps, 160, 208, 3)
    assert imageio.immeta(video, plugin="FFMPEG")["fps"] == 50
    assert "seed 7:" in done.stdout
    assert "seed 8:" in done.stdout
    # The two episodes start elsewhere: the film is no still.
    assert abs(frames[0].astype(int) - frames[steps]).mean() > 0.5


@pytest.mark.parametrize("backend", ["disabled", "nonsense"])
def test_without_a_backend_it_exits_with_2_and_leaves_no_file(run, tmp_path, backend):
    """MuJoCo fails when it draws with the one, when it is imported with the other."""
    done = play(run, tmp_path / "arm.mp4", backend)
    assert done.returncode == 2
    assert done.stderr.startswith("forearm: no off-screen GL backend works here")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "flags", "sentence"),
    [
        ("arm.avi", [], "name must end in .mp4"),
        ("arm.mp4", ["--size", "640", "481"], "cannot be 640 x 481 pixels"),
        ("arm.mp4", ["--plant", "nominal", "--params", "p.yaml"], "not of a plant"),
    ],
)
def test_what_cannot_be_filmed_is_refused(
    run, tmp_path, monkeypatch, capsys, name, flags, sentence
):
    monkeypatch.setenv("MUJOCO_GL", "egl")
    assert main(["play", str(run), "--video", str(tmp_path / name), *flags]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_filmed_on_a_plant(run, tmp_path):
    """The sample moves; that it runs on the robot's own runtime is other tests'."""
    video, plant = tmp_path / "arm.mp4", tmp_path / "plant.yaml"
    plant.write_text("robot: ur5e\nbase_tilt: [0.1, 0.0]\n")
    done = play(run, video, "egl", "--episodes", "1", "--plant", str(plant), *SMALL)
    if "no off-screen GL backend" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert "seed 10000:" in done.stdout
    reach = get_task("reach")
    frames = imageio.imread(video, plugin="FFMPEG")
    assert len(frames) == round(reach.episode_time / reach.control_dt)
    assert abs(frames[0].astype(int) - frames[-1]).mean() > 0.5
