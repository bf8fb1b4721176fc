"""Render the UR5e near a few poses of its workspace into one picture.

Needs a GL backend (Debian: libegl1 and libgl1-mesa-dri).
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("MUJOCO_GL", "egl")

import imageio.v3 as imageio
import mujoco
import numpy as np

from forearm.core.robots import get_robot
from forearm.sim.model import build_model
from forearm.sim.tasks.reach import reach_pool


def add_sky(spec: mujoco.MjSpec) -> None:
    """Give the scene a bright background."""
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=[1, 1, 1],
        rgb2=[1, 1, 1],
        width=8,
        height=48,
    )


def main(path: str) -> None:
    """Write three poses side by side to ``path``."""
    robot = get_robot("ur5e")
    model = build_model(robot, hook=add_sky)
    data = mujoco.MjData(model)
    pictures = []
    with mujoco.Renderer(model, 360, 420) as renderer:
        for joint_pos in [robot.home, *reach_pool(robot).joint_pos[3:5]]:
            data.qpos[:] = joint_pos
            mujoco.mj_forward(model, data)
            renderer.update_scene(data, "overview")
            pictures.append(renderer.render().copy())
    imageio.imwrite(path, np.hstack(pictures))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "arm.png")
