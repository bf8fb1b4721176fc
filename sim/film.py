"""Film: pictures of a simulated arm, off-screen, and the video they make."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import FileError, GraphicsError, LimitError
from forearm.core.kinematics import rotation_from_quat_wxyz
from forearm.core.robot import RobotSpec

from .model import SpecHook, build_model

Floats = NDArray[np.floating]
Picture = NDArray[np.uint8]

SIZE = (640, 480)
"""Width and height of a picture [pixels]."""

BLOCK = 16
"""Pixels of the squares a video is coded in: both sizes are multiples of it."""

LARGEST = 4096
"""Longest side of a picture [pixels], that of H.264's common levels."""

CAMERA = "overview"
"""Camera of our models; a user's own is seen whole, from where MuJoCo looks."""

GREEN = (0.1, 0.75, 0.3, 0.8)
"""Colour of the target point."""

AXES = ((0.85, 0.1, 0.1, 1.0), (0.1, 0.65, 0.1, 1.0), (0.1, 0.2, 0.9, 1.0))
"""Colours of the target's x, y and z axes."""


class Film:
    """Draws one arm, its task's objects and the target; close it after use."""

    def __init__(
        self,
        robot: RobotSpec,
        hook: SpecHook | None = None,
        size: tuple[int, int] = SIZE,
    ) -> None:
        """Compile ``robot`` with a bright background and open a GL context.

        Args:
            robot: the arm, with the task's tool.
            hook: adds the task's objects, as in the simulation that is filmed.
            size: width and height of the pictures [pixels].

        Raises:
            LimitError: the size is not one a video can have.
            GraphicsError: no off-screen GL backend works here.
        """
        width, height = check_size(size)

        def add(spec: Any) -> None:
            if hook is not None:
                hook(spec)
            _add_sky(spec)

        self.model = build_model(robot, hook=add)
        screen = self.model.vis.global_
        screen.offwidth, screen.offheight = width, height
        # Shadows as fine as the picture: MuJoCo's own take most of a processor's time.
        self.model.vis.quality.shadowsize = max(size)
        self._data = mujoco.MjData(self.model)
        extent = float(self.model.stat.extent)
        self._camera = _camera(self.model)
        self._radius, self._length = 0.012 * extent, 0.08 * extent
        try:
            self._renderer = mujoco.Renderer(self.model, height, width)
        except Exception as error:  # Each backend and driver fails in its own way.
            raise GraphicsError(os.environ.get("MUJOCO_GL"), error) from error

    def __enter__(self) -> Film:
        """Return the film itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free the GL context."""
        self._renderer.close()

    def picture(
        self,
        qpos: Floats,
        target: Mapping[str, Floats],
        mocap: tuple[Floats, Floats] | None = None,
    ) -> Picture:
        """Return what the camera sees, (height, width, 3).

        Args:
            qpos: positions of the whole model, (nq,).
            target: a task's sensors: ``target_position`` [m] (3,), and
                ``target_quat_wxyz`` (4,) where it has an orientation.
            mocap: positions [m] and wxyz quaternions of the fixtures, (k, 3), (k, 4).
        """
        self._data.qpos[:] = qpos
        if mocap is not None:
            self._data.mocap_pos[:], self._data.mocap_quat[:] = mocap
        mujoco.mj_forward(self.model, self._data)
        self._renderer.update_scene(self._data, self._camera)
        if "target_position" in target:
            self._draw_target(target)
        return np.array(self._renderer.render(), np.uint8)

    def _draw_target(self, target: Mapping[str, Floats]) -> None:
        position = np.asarray(target["target_position"], np.float64)
        geom = self._new_geom(mujoco.mjtGeom.mjGEOM_SPHERE, self._radius, GREEN)
        geom.pos[:] = position
        if "target_quat_wxyz" not in target:
            return
        rotation = rotation_from_quat_wxyz(np.asarray(target["target_quat_wxyz"]))
        for axis, colour in zip(rotation.T, AXES, strict=True):
            kind = mujoco.mjtGeom.mjGEOM_CAPSULE
            geom = self._new_geom(kind, 0.35 * self._radius, colour)
            tip = position + self._length * axis
            mujoco.mjv_connector(geom, kind, 0.35 * self._radius, position, tip)

    def _new_geom(self, kind: Any, size: float, colour: tuple[float, ...]) -> Any:
        scene = self._renderer.scene
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(
            geom,
            kind,
            np.full(3, size),
            np.zeros(3),
            np.eye(3).ravel(),
            np.array(colour, np.float32),
        )
        scene.ngeom += 1
        return geom


def check_name(path: str | Path) -> Path:
    """Return the path if a video can have its name.

    Raises:
        FileError: it does not end in ``.mp4``.
    """
    path = Path(path)
    if path.suffix != ".mp4":
        raise FileError(path, "a video's name must end in .mp4")
    return path


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height [pixels] if a video can have them.

    Raises:
        LimitError: it cannot.
    """
    for length in size:
        if length % BLOCK or not BLOCK <= length <= LARGEST:
            raise LimitError(
                f"a video cannot be {size[0]} x {size[1]} pixels: both must be "
                f"multiples of {BLOCK}, up to {LARGEST}"
            )
    return size


def _camera(model: Any) -> Any:
    if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, CAMERA) >= 0:
        return CAMERA
    free: Any = mujoco.MjvCamera()
    mujoco.mjv_defaultFreeCamera(model, free)
    return free


def _add_sky(spec: Any) -> None:
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=[1, 1, 1],
        rgb2=[1, 1, 1],
        width=8,
        height=48,
    )


def write_video(path: str | Path, pictures: Iterable[Picture], fps: float) -> int:
    """Write H.264 in an ``.mp4``, whole or not at all; returns the number of frames.

    Args:
        path: the file; its folder is made.
        pictures: all of one size; drawn one by one as they are written.
        fps: pictures per second.

    Raises:
        FileError: the name does not end in ``.mp4`` or the folder refuses it.
    """
    import imageio.v2 as imageio

    path = check_name(path)
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".film-") as folder:
            part = Path(folder) / path.name
            opened: Any = imageio.get_writer(part, fps=fps, codec="libx264")
            with opened as writer:
                for picture in pictures:
                    writer.append_data(picture)
                    count += 1
            os.replace(part, path)
    except OSError as error:
        raise FileError(path, f"cannot be written ({error})") from error
    return count
