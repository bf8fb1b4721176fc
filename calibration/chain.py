"""Chain: the serial arm inside a compiled MuJoCo model, links with their inertials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from forearm.core.errors import MismatchError
from forearm.core.inertia import moved, point_inertial
from forearm.core.log import Floats
from forearm.core.robot import RobotSpec


@dataclass(frozen=True)
class Chain:
    """A serial arm: where each joint sits in its parent link, and the link inertials.

    The link frame is MuJoCo's body frame. An inertial is ten numbers about the
    link's origin: mass [kg], first moment (3) [kg m], and the inertia
    xx, yy, zz, xy, xz, yz [kg m^2].
    """

    position: Floats
    """Link origin in the parent link [m], (n, 3)."""
    rotation: Floats
    """Link orientation in the parent link at joint angle 0, (n, 3, 3)."""
    axis: Floats
    """Joint axis in the link, (n, 3)."""
    anchor: Floats
    """A point of the joint axis in the link [m], (n, 3)."""
    zero: Floats
    """Joint angle at which the model is drawn (MuJoCo's ref) [rad], (n,)."""
    inertials: Floats
    """Ten numbers of each link's own body, (n, 10)."""
    welded: Floats
    """Ten numbers of the bodies welded to each link, a hand say, (n, 10)."""
    tool_position: Floats
    """Origin of the tool frame in the last link [m], (3,)."""
    tool_rotation: Floats
    """Orientation of the tool frame in the last link, (3, 3)."""
    gravity: Floats
    """Gravity in the base frame [m/s^2], (3,)."""

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.axis)


def chain_of(model: Any, robot: RobotSpec) -> Chain:
    """Read the chain of ``robot`` out of a compiled model.

    Raises:
        MismatchError: the joints are not one behind the other.
    """
    joints = [model.joint(name).id for name in robot.joint_names]
    links = [int(model.jnt_bodyid[j]) for j in joints]
    poses = [_pose(model, b, links[i - 1] if i else -1) for i, b in enumerate(links)]
    site = model.site(robot.tool_frame)
    tool = _pose(model, int(site.bodyid[0]), links[-1])
    at, turn = site.pos, _matrix(site.quat)
    return Chain(
        position=np.array([p for p, _ in poses]),
        rotation=np.array([r for _, r in poses]),
        axis=model.jnt_axis[joints].copy(),
        anchor=model.jnt_pos[joints].copy(),
        zero=model.qpos0[model.jnt_qposadr[joints]].copy(),
        inertials=np.array([_own(model, body) for body in links]),
        welded=_welded(model, links),
        tool_position=tool[0] + tool[1] @ at,
        tool_rotation=tool[1] @ turn,
        gravity=model.opt.gravity.copy(),
    )


def _matrix(quat_wxyz: Floats) -> Floats:
    out = np.zeros(9)
    mujoco.mju_quat2Mat(out, quat_wxyz)
    return out.reshape(3, 3)


def _pose(model: Any, body: int, ancestor: int) -> tuple[Floats, Floats]:
    """Return the pose of a body in an ancestor (-1: the world)."""
    position, rotation = np.zeros(3), np.eye(3)
    while body not in (ancestor, 0):
        turn = _matrix(model.body_quat[body])
        position = model.body_pos[body] + turn @ position
        rotation = turn @ rotation
        body = int(model.body_parentid[body])
    if ancestor > 0 and body != ancestor:
        raise MismatchError("chain of the MJCF", "branches", "one joint behind another")
    return position, rotation


def _own(model: Any, body: int) -> Floats:
    turn = _matrix(model.body_iquat[body])
    central = turn @ np.diag(model.body_inertia[body]) @ turn.T
    return point_inertial(model.body_mass[body], model.body_ipos[body], central)


def _welded(model: Any, links: list[int]) -> Floats:
    """Sum the bodies welded to each link, in the link's frame."""
    total = np.zeros((len(links), 10))
    for body in range(1, model.nbody):
        root = body
        while root not in (0, *links) and not model.body_jntnum[root]:
            root = int(model.body_parentid[root])
        if root in links and root != body:
            pose = _pose(model, body, root)
            total[links.index(root)] += moved(_own(model, body), *pose)
    return total
