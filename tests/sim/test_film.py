"""Pictures and videos: the target in them, whole files, or a plain refusal."""

import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

from forearm.core.errors import FileError, GraphicsError, LimitError
from forearm.core.robots import get_robot
from forearm.sim.film import SIZE, Film, write_video
from forearm.sim.loop import ArmLoop
from forearm.sim.tasks import get_task
from forearm.sim.user_robot import load_robot

UR5E = get_robot("ur5e")


@pytest.fixture(scope="module")
def film():
    try:
        opened = Film(UR5E)
    except GraphicsError as error:
        pytest.skip(str(error))
    with opened:
        yield opened


def test_the_target_is_in_the_picture_where_it_is_asked_for(film):
    without = film.picture(UR5E.home, {})
    target = {"target_position": np.array([0.4, 0.2, 0.5])}
    point = film.picture(UR5E.home, target)
    pose = film.picture(
        UR5E.home, {**target, "target_quat_wxyz": np.array([1.0, 0.0, 0.0, 0.0])}
    )
    assert without.shape == (*SIZE[::-1], 3)
    assert without.std() > 5  # More than one colour: the arm is there.
    changed = [(a != b).any(axis=2).sum() for a, b in ((without, point), (point, pose))]
    # The point's radius is about 10 pixels; three axes are longer than that.
    assert changed[0] > 50
    assert changed[1] > 100


def test_the_arm_moves_in_the_picture(film):
    moved = film.picture(UR5E.home + 0.3, {})
    assert (film.picture(UR5E.home, {}) != moved).any(axis=2).sum() > 1000


@pytest.mark.usefixtures("film")
def test_a_picture_has_the_size_that_is_asked_for():
    with Film(UR5E, size=(1280, 720)) as large:
        assert large.picture(UR5E.home, {}).shape == (720, 1280, 3)


@pytest.mark.parametrize("size", [(640, 479), (0, 480), (8192, 480), (-640, 480)])
def test_a_size_no_video_can_have_is_refused(size):
    with pytest.raises(LimitError, match=r"multiples of 16, up to 4096"):
        Film(UR5E, size=size)


@pytest.mark.usefixtures("film")
def test_a_fixture_is_drawn_where_it_is():
    loop = ArmLoop(UR5E, get_task("insert"), 1, nthread=1)
    loop.reset()
    batch = loop.batch.batch
    qpos, place = batch.bind("qpos")[0], batch.bind("mocap_pos")[0]
    quat = batch.bind("mocap_quat")[0]
    with Film(loop.robot, loop.task.hook()) as own:
        here = own.picture(qpos, {}, (place, quat))
        there = own.picture(qpos, {}, (np.add(place, 0.2), quat))
    assert (here != there).any(axis=2).sum() > 200


def test_a_video_has_its_name_and_appears_whole_or_not_at_all(tmp_path):
    picture = np.zeros((*SIZE[::-1], 3), np.uint8)
    with pytest.raises(FileError, match=r"must end in \.mp4"):
        write_video(tmp_path / "a.avi", [picture], 50)

    def broken():
        yield picture
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        write_video(tmp_path / "b.mp4", broken(), 50)
    assert list(tmp_path.iterdir()) == []


def test_without_a_backend_one_sentence_says_so():
    code = (
        "from forearm.core.robots import get_robot\n"
        "from forearm.core.errors import GraphicsError\n"
        "from forearm.sim.film import Film\n"
        "try:\n    Film(get_robot('ur5e'))\n"
        "except GraphicsError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MUJOCO_GL": "disabled"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("no off-screen GL backend works here")
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)


@pytest.mark.usefixtures("film")
def test_an_arm_without_our_camera_is_seen_whole(pusher, tmp_path):
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(pusher[1]))
    robot = load_robot(pusher[0], tmp_path / "spec.yaml")
    with Film(robot) as own:
        moved = robot.home.copy()
        moved[0] += 0.5
        one, other = (own.picture(qpos, {}) for qpos in (robot.home, moved))
    assert abs(one.astype(int) - other).mean() > 0.5
