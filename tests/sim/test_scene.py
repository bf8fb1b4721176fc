"""Objects in the batch and what a camera says of them."""

import mujoco
import mujoco.batch
import numpy as np
import pytest

from forearm.core.errors import UnknownNameError
from forearm.sim.camera import Camera, CameraSpec
from forearm.sim.scene import Scene

MODEL = """<mujoco><worldbody>
<body name="cube" pos="0 0 1"><freejoint/><geom size="0.02"/></body>
<body name="hole" mocap="true"><geom size="0.01" contype="0"/></body>
</worldbody></mujoco>"""


def _scene(nsim):
    model = mujoco.MjModel.from_xml_string(MODEL)
    batch = mujoco.batch.Batch(model, nsim, 1)
    return Scene(model, batch), batch


def test_an_object_is_put_where_asked_only_in_the_simulations_asked_for():
    scene, batch = _scene(3)
    ids = np.array([2, 0])
    where = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    quat = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    batch.bind("qvel")[:] = 5.0
    for name in scene.names:
        scene.place(ids, name, where, quat)
        np.testing.assert_array_equal(scene.position(name)[ids], where)
        np.testing.assert_array_equal(scene.quat_wxyz(name)[ids], quat)
        assert not np.array_equal(scene.position(name)[1], where[0])
    assert scene.velocity("cube").tolist() == [[0, 0, 0], [5, 5, 5], [0, 0, 0]]
    with pytest.raises(UnknownNameError, match="valid: cube"):
        scene.position("sphere")


def test_a_camera_is_late_by_its_delay_and_exact_without_noise():
    spec = CameraSpec(delay=0.04, position_noise=0.0, rotation_noise=0.0)
    camera = Camera(spec, 1, 0.02, 10)
    quat = np.array([[1.0, 0.0, 0.0, 0.0]])
    ids, rngs = np.array([0]), [np.random.default_rng(0)]
    camera.start(ids, np.zeros((1, 3)), quat, rngs)
    seen = []
    for tick in range(1, 6):
        camera.push(np.full((1, 3), float(tick)), quat)
        seen.append(camera.see()[0][0, 0])
    assert seen == [0.0, 0.0, 1.0, 2.0, 3.0]


def test_a_camera_is_wrong_by_its_noise_and_the_same_for_the_same_generator():
    spec = CameraSpec(position_noise=0.002, rotation_noise=0.01)
    camera = Camera(spec, 2, 0.02, 2000)
    quat = np.array([[1.0, 0.0, 0.0, 0.0]] * 2)
    rngs = [np.random.default_rng(3), np.random.default_rng(3)]
    camera.start(np.arange(2), np.zeros((2, 3)), quat, rngs)
    rows = []
    for _ in range(2000):
        camera.push(np.zeros((2, 3)), quat)
        rows.append(np.concatenate(camera.see(), axis=1))
    values = np.array(rows)
    np.testing.assert_array_equal(values[:, 0], values[:, 1])
    # 2000 draws know a standard deviation to 1.6 %; five of these are certain.
    np.testing.assert_allclose(values[:, 0, :3].std(axis=0), 0.002, rtol=0.08)
    np.testing.assert_allclose(2 * values[:, 0, 4:].std(axis=0), 0.01, rtol=0.08)
    np.testing.assert_allclose(np.linalg.norm(values[:, 0, 3:], axis=1), 1, rtol=1e-6)
