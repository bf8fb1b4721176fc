"""Forward kinematics over the array API: K0 + K1 cos q + K2 sin q per joint.

A revolute joint's transform from its parent is affine in (cos q, sin q), so three
constant 4x4 matrices per joint describe the arm (Rodrigues' formula). Written this
way it is one fused expression for numpy batches and a small ONNX graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, array_namespace
from .geometry import Capsule, Frame, Geometry, Tool
from .robot import JointSpec, RobotSpec, Vector3

_IDENTITY = np.eye(4)


@dataclass(frozen=True)
class ToolPose:
    """Tool pose in the base frame."""

    position: Array
    """Tool position [m], shape (..., 3)."""
    rotation: Array
    """Columns are the tool's axes in the base frame, shape (..., 3, 3)."""


@dataclass(frozen=True)
class Pose(ToolPose):
    """Tool pose and joint axes in the base frame."""

    joint_position: Array
    """Joint origins [m], shape (..., n, 3)."""
    joint_axis: Array
    """Joint rotation axes, unit vectors, shape (..., n, 3)."""


def rotation_from_rpy(rpy: Vector3) -> NDArray[np.float64]:
    """Return Rz(yaw) Ry(pitch) Rx(roll), URDF convention, shape (3, 3)."""
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _transform(xyz: Vector3, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, xyz
    return matrix


def _joint_matrices(axis: Vector3) -> NDArray[np.float64]:
    a = np.array(axis)
    outer = np.outer(a, a)
    skew = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    constant, cosine, sine = np.zeros((3, 4, 4))
    constant[:3, :3], constant[3, 3] = outer, 1.0
    cosine[:3, :3] = np.eye(3) - outer
    sine[:3, :3] = skew
    return np.stack([constant, cosine, sine])


class Kinematics:
    """Forward kinematics of one arm for any array library and batch shape."""

    def __init__(self, robot: RobotSpec | Geometry) -> None:
        """Fold the fixed transforms of ``robot`` into constant matrices.

        The gripper is not part of the chain.
        """
        chain: Sequence[JointSpec | Frame]
        if isinstance(robot, RobotSpec):
            chain = robot.joints[: robot.arm_n]
            tool = Frame(xyz=robot.tool_xyz, rpy=robot.tool_rpy)
        else:
            chain, tool = robot.chain, robot.tool
        self._constants = np.stack(
            [
                _transform(j.xyz, rotation_from_rpy(j.rpy)) @ _joint_matrices(j.axis)
                for j in chain
            ]
        )  # (n, 3, 4, 4)
        self._axis = np.array([j.axis for j in chain])  # (n, 3)
        self._tool = _transform(tool.xyz, rotation_from_rpy(tool.rpy))

    @property
    def joint_matrices(self) -> NDArray[np.float64]:
        """Constant, cosine and sine part of each joint's transform, (n, 3, 4, 4)."""
        return self._constants

    @property
    def tool_matrix(self) -> NDArray[np.float64]:
        """Transform from the last joint to the tool, (4, 4)."""
        return self._tool

    def link_frames(self, joint_pos: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the frames of base, links and tool in the base frame.

        Plain numpy for the robot side, where every microsecond counts.

        Args:
            joint_pos: joint positions [rad], (k, n) or more columns.

        Returns:
            Homogeneous transforms, (k, n + 2, 4, 4): the base's is the identity.
        """
        n = len(self._constants)
        frames = np.empty((len(joint_pos), n + 2, 4, 4))
        q = joint_pos[:, :n, None, None]
        constant, cosine, sine = self._constants.swapaxes(0, 1)
        joints = constant + np.cos(q) * cosine + np.sin(q) * sine
        frames[:, 0] = _IDENTITY
        for i in range(n):
            np.matmul(frames[:, i], joints[:, i], out=frames[:, i + 1])
        np.matmul(frames[:, n], self._tool, out=frames[:, n + 1])
        return frames

    def __call__(self, joint_pos: Array) -> Pose:
        """Return the tool pose and joint axes for ``joint_pos`` [rad] (..., n).

        A gripper's position behind the chain's is ignored.
        """
        xp = array_namespace(joint_pos)
        options = {"dtype": joint_pos.dtype, "device": joint_pos.device}
        constants = xp.asarray(self._constants, **options)
        axis = xp.asarray(self._axis, **options)
        cosine, sine = xp.cos(joint_pos), xp.sin(joint_pos)
        frame, positions, axes = None, [], []
        for i in range(self._constants.shape[0]):
            c, s = cosine[..., i, None, None], sine[..., i, None, None]
            joint = constants[i, 0] + c * constants[i, 1] + s * constants[i, 2]
            frame = joint if frame is None else frame @ joint
            positions.append(frame[..., :3, 3])
            axes.append(frame[..., :3, :3] @ axis[i])
        tool = frame @ xp.asarray(self._tool, **options)
        return Pose(
            position=tool[..., :3, 3],
            rotation=tool[..., :3, :3],
            joint_position=xp.stack(positions, axis=-2),
            joint_axis=xp.stack(axes, axis=-2),
        )


def mount(geometry: Geometry, tool: Tool) -> Geometry:
    """Return a geometry with a tool on it, to be kept off all but its neighbours."""
    frame, last = geometry.tool, len(geometry.chain)
    turn, start = rotation_from_rpy(frame.rpy), np.array(frame.xyz)
    x, y, z = (float(v) for v in start + tool.length * turn[:, 2])
    capsule = Capsule(
        name="mounted tool",
        link=last,
        start=frame.xyz,
        end=(x, y, z),
        radius=tool.radius,
    )
    capsules = geometry.capsules
    pairs = [(i, len(capsules)) for i, c in enumerate(capsules) if c.link < last - 1]
    return geometry.model_copy(
        update={
            "capsules": [*capsules, capsule],
            "pairs": [*geometry.pairs, *pairs],
        }
    )


def rotation_from_quat_wxyz(quat_wxyz: Array) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (w, x, y, z) (..., 4)."""
    xp = array_namespace(quat_wxyz)
    w, x, y, z = (quat_wxyz[..., i] for i in range(4))
    rows = [
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def quat_wxyz_from_rotation(rotation: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit quaternions (w, x, y, z) with w >= 0 of rotation matrices (..., 3, 3).

    Shepperd's method (J. Guidance and Control 1, 1978): divide by the largest term.
    """
    r = np.asarray(rotation, dtype=np.float64)
    xx, yy, zz = r[..., 0, 0], r[..., 1, 1], r[..., 2, 2]
    x, y, z = (
        r[..., 2, 1] - r[..., 1, 2],
        r[..., 0, 2] - r[..., 2, 0],
        r[..., 1, 0] - r[..., 0, 1],
    )
    xy = r[..., 0, 1] + r[..., 1, 0]
    xz = r[..., 0, 2] + r[..., 2, 0]
    yz = r[..., 1, 2] + r[..., 2, 1]
    candidates = np.stack(
        [
            np.stack([1 + xx + yy + zz, x, y, z], axis=-1),
            np.stack([x, 1 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([y, xy, 1 - xx + yy - zz, yz], axis=-1),
            np.stack([z, xz, yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.stack([xx + yy + zz, xx, yy, zz], axis=-1), axis=-1)
    quat = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    quat = quat / np.linalg.norm(quat, axis=-1, keepdims=True)
    return np.asarray(np.where(quat[..., :1] < 0, -quat, quat))


def rotation_error(rotation: Array, target: Array) -> Array:
    """Axis times 2 sin(angle/2) from ``rotation`` to ``target``, base frame (..., 3).

    Unlike the commutator's vector part, its length grows up to 176 degrees. Beyond,
    where the axis is lost to rounding, it falls to zero instead of amplifying noise.
    """
    xp = array_namespace(rotation)
    a, b = _columns(rotation), _columns(target)
    each = [_cross(a[i], b[i]) for i in range(3)]
    cos_half_squared = xp.clip(0.25 * (1 + _trace(a, b)), 1e-3, 1.0)
    # 0.5 * cross = axis sin(angle) = axis * 2 sin(angle/2) cos(angle/2)
    scale = 0.5 / xp.sqrt(cos_half_squared)
    cross = [each[0][k] + each[1][k] + each[2][k] for k in range(3)]
    return xp.stack([scale * c for c in cross], axis=-1)


def rotation_angle(rotation: Array, target: Array) -> Array:
    """Angle between two rotations [rad], shape (...)."""
    xp = array_namespace(rotation)
    trace = _trace(_columns(rotation), _columns(target))
    return xp.acos(xp.clip(0.5 * (trace - 1), -1.0, 1.0))


def _components(vector: Array) -> tuple[Array, Array, Array]:
    return vector[..., 0], vector[..., 1], vector[..., 2]


def _dot(a: tuple[Array, ...], b: tuple[Array, ...]) -> Array:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _columns(rotation: Array) -> list[tuple[Array, ...]]:
    return [_components(rotation[..., :, i]) for i in range(3)]


def _trace(a: list[tuple[Array, ...]], b: list[tuple[Array, ...]]) -> Array:
    """Trace of a^T b, 1 + 2 cos(angle) for rotations, (...)."""
    return _dot(a[0], b[0]) + _dot(a[1], b[1]) + _dot(a[2], b[2])


def joint_gradient(pose: Pose, linear: Array, angular: Array) -> tuple[Array, Array]:
    """Return J_v^T linear and J_w^T angular, each of shape (..., n).

    ``J_v[i] = z_i x (p - p_i)`` and ``J_w[i] = z_i`` (Siciliano et al., Robotics,
    2009, eq. 3.30), so ``J_v[i]^T e = z_i . ((p - p_i) x e)``.

    Args:
        pose: from :class:`Kinematics`.
        linear: vector at the tool in the base frame, shape (..., 3).
        angular: vector in the base frame, shape (..., 3).
    """
    # Component by component: no array has a last axis of three, the slowest there is.
    p, w = _components(linear[..., None, :]), _components(angular[..., None, :])
    x, y, z = _components(pose.position[..., None, :] - pose.joint_position)
    axis = _components(pose.joint_axis)
    moment = (y * p[2] - z * p[1], z * p[0] - x * p[2], x * p[1] - y * p[0])
    return (_dot(axis, moment), _dot(axis, w))
