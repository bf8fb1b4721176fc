"""ViewScene: the geometry of a compiled model, the target and contacts in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
import viser
from numpy.typing import NDArray

Floats = NDArray[np.floating]

SEGMENTS = 20
"""Corners of a round outline."""

DRAWN_GROUPS = 3
"""Geoms of groups below this one are drawn, as MuJoCo's own viewer does."""

GREEN, ORANGE = (25, 190, 75), (255, 120, 0)
"""Colours of the target point and of contacts."""


def revolve(profile: Floats) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Turn ``profile``, radius and height (k, 2), about z: vertices and triangles."""
    angle = np.linspace(0.0, 2.0 * np.pi, SEGMENTS, endpoint=False)
    radius, height = profile[:, :1], profile[:, 1:]
    ring = np.stack(
        [
            radius * np.cos(angle),
            radius * np.sin(angle),
            np.broadcast_to(height, (len(profile), SEGMENTS)),
        ],
        axis=-1,
    )
    i, j = np.meshgrid(np.arange(len(profile) - 1), np.arange(SEGMENTS), indexing="ij")
    a, b = i * SEGMENTS + j, i * SEGMENTS + (j + 1) % SEGMENTS
    lower = np.stack([a, b, a + SEGMENTS], axis=-1)
    upper = np.stack([b, b + SEGMENTS, a + SEGMENTS], axis=-1)
    faces = np.concatenate([lower, upper]).reshape(-1, 3)
    return ring.reshape(-1, 3).astype(np.float32), faces.astype(np.uint32)


def profile_of(kind: int, size: Floats) -> Floats | None:
    """Return the outline of a round geom (k, 2) [m]; None where it is not round."""
    geom = mujoco.mjtGeom
    if kind == geom.mjGEOM_CYLINDER:
        r, h = size[0], size[1]
        return np.array([(0.0, -h), (r, -h), (r, h), (0.0, h)])
    if kind not in (geom.mjGEOM_SPHERE, geom.mjGEOM_CAPSULE):
        return None
    half = size[1] if kind == geom.mjGEOM_CAPSULE else 0.0
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 12)
    height = size[0] * np.sin(angle) + np.where(angle < 0.0, -half, half)
    return np.stack([size[0] * np.cos(angle), height], axis=1)


class ViewScene:
    """What is shown; boxes, spheres, capsules and cylinders, no meshes."""

    def __init__(self, server: viser.ViserServer, model: Any) -> None:
        """Add every visible geom of ``model`` to the page of ``server``."""
        self._model, self._data = model, mujoco.MjData(model)
        self._server = server
        self._geoms: dict[int, Any] = {}
        extent = float(model.stat.extent)
        server.scene.set_up_direction("+z")
        server.scene.add_grid("/floor", 4.0 * extent, 4.0 * extent, cell_size=0.1)
        camera = server.initial_camera
        camera.position = (1.3 * extent, -1.3 * extent, 1.0 * extent)
        camera.look_at = (0.0, 0.0, 0.3 * extent)
        for i in range(model.ngeom):
            self._add_geom(i)
        self.target = server.scene.add_frame(
            "/target",
            axes_length=0.08 * extent,
            axes_radius=0.004 * extent,
            origin_radius=0.012 * extent,
            origin_color=GREEN,
        )
        self.contacts = server.scene.add_point_cloud(
            "/contacts",
            np.zeros((1, 3), np.float32),
            ORANGE,
            point_size=0.015 * extent,
            point_shape="circle",
            precision="float32",
            visible=False,
        )

    def _add_geom(self, i: int) -> None:
        model = self._model
        material = model.geom_matid[i]
        rgba = model.geom_rgba[i] if material < 0 else model.mat_rgba[material]
        if model.geom_group[i] >= DRAWN_GROUPS or rgba[3] == 0.0:
            return
        colour = tuple(int(c) for c in np.round(255 * rgba[:3]))
        kind, size = int(model.geom_type[i]), model.geom_size[i]
        name = f"/geoms/{i}"
        profile = profile_of(kind, size)
        add: Any = self._server.scene
        if kind == mujoco.mjtGeom.mjGEOM_BOX:
            self._geoms[i] = add.add_box(name, colour, tuple(2.0 * size))
        elif profile is not None:
            vertices, faces = revolve(profile)
            self._geoms[i] = add.add_mesh_simple(
                name, vertices, faces, color=colour, side="double"
            )

    def update(
        self,
        qpos: Floats,
        target: Mapping[str, Floats],
        mocap: tuple[Floats, Floats] | None = None,
    ) -> int:
        """Show a state; returns the number of contacts.

        Args:
            qpos: positions of the whole model, (nq,).
            target: a task's sensors, ``target_position`` [m] (3,) and perhaps
                ``target_quat_wxyz`` (4,).
            mocap: positions [m] and wxyz quaternions of the fixtures, (k, 3), (k, 4).
        """
        data = self._data
        data.qpos[:] = qpos
        if mocap is not None:
            data.mocap_pos[:], data.mocap_quat[:] = mocap
        mujoco.mj_fwdPosition(self._model, data)
        quat_wxyz = np.zeros(4)
        with self._server.atomic():
            for i, shown in self._geoms.items():
                mujoco.mju_mat2Quat(quat_wxyz, data.geom_xmat[i])
                shown.position = data.geom_xpos[i].copy()
                shown.wxyz = quat_wxyz.copy()
            if "target_position" in target:
                self.target.position = np.asarray(target["target_position"], float)
            if "target_quat_wxyz" in target:
                self.target.wxyz = np.asarray(target["target_quat_wxyz"], float)
            self.contacts.visible = data.ncon > 0
            if data.ncon:
                self.contacts.points = data.contact.pos.astype(np.float32)
        return int(data.ncon)
