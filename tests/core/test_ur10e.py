"""The UR10e's kinematic chain is the one its manufacturer publishes."""

from __future__ import annotations

import math

import numpy as np

from forearm.core.kinematics import Kinematics
from forearm.core.robots.ur10e import UR10E

DH = (
    # d [m], a [m], alpha [rad]: Universal Robots, DH parameters article, UR10e
    (0.1807, 0.0, math.pi / 2),
    (0.0, -0.6127, 0.0),
    (0.0, -0.57155, 0.0),
    (0.17415, 0.0, math.pi / 2),
    (0.11985, 0.0, -math.pi / 2),
    (0.11655, 0.0, 0.0),
)


def test_the_tool_is_where_the_published_table_puts_it() -> None:
    chain = Kinematics(UR10E)
    for angles in np.random.default_rng(0).uniform(-3, 3, (20, UR10E.n)):
        pose = np.diag([-1.0, -1.0, 1.0, 1.0])
        for angle, (d, a, alpha) in zip(angles, DH, strict=True):
            c, s, ca, sa = (f(x) for x in (angle, alpha) for f in (math.cos, math.sin))
            pose = pose @ [
                [c, -s * ca, s * sa, a * c],
                [s, c * ca, -c * sa, a * s],
                [0, sa, ca, d],
                [0, 0, 0, 1],
            ]
        tool = chain(angles)
        np.testing.assert_allclose(tool.position, pose[:3, 3], atol=1e-12)
        np.testing.assert_allclose(tool.rotation, pose[:3, :3], atol=1e-12)
