"""A user's own arm: an MJCF and a spec file -> a RobotSpec known by its name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from forearm.core.contract import Contract
from forearm.core.errors import FileError, LimitError, MismatchError
from forearm.core.files import read_model, sha256
from forearm.core.robot import JointSpec, RobotSpec, RosNames, Vector3
from forearm.core.robots import BENCHES, OWN, ROBOTS

from .model import build_model, check_model


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UserJoint(_Strict):
    """One joint of the spec file, in rad, Nm and SI; named as in the MJCF."""

    name: str
    lower: FiniteFloat
    upper: FiniteFloat
    velocity: FiniteFloat
    acceleration: FiniteFloat
    jerk: FiniteFloat
    effort: FiniteFloat
    home: FiniteFloat
    kp: FiniteFloat
    kv: FiniteFloat
    armature: FiniteFloat
    viscous: FiniteFloat = 0.0
    coulomb: FiniteFloat = 0.0
    load_friction: FiniteFloat = 0.0
    encoder_step: FiniteFloat = 0.0


class UserTool(_Strict):
    """The tool: a site of the MJCF, or a new one placed in the last link."""

    name: str
    xyz: tuple[FiniteFloat, FiniteFloat, FiniteFloat] = (0.0, 0.0, 0.0)
    rpy: tuple[FiniteFloat, FiniteFloat, FiniteFloat] = (0.0, 0.0, 0.0)


class UserSpec(_Strict):
    """The spec file: what an MJCF does not say about an arm."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    joints: tuple[UserJoint, ...] = Field(min_length=1)
    tool: UserTool
    payload_limit: FiniteFloat = Field(ge=0)
    gravity_compensated: bool = True
    ros: dict[str, str] = {}


def load_robot(model: str | Path, spec: str | Path) -> RobotSpec:
    """Read a user's arm, check it and register it in ``OWN`` of this process.

    The chain comes from the MJCF at ``qpos = 0``, in its world frame; joint frames
    stand like the MJCF's bodies.

    Args:
        model: the MJCF.
        spec: YAML or JSON of :class:`UserSpec`.

    Raises:
        FileError: a file is missing, does not parse, compile or fit the other.
        LimitError: a number in the spec is out of range or the name is taken.
        MismatchError: the kinematics of MJCF and chain differ by more than 1e-6, or
            another arm of that name is loaded.
    """
    user = read_model(spec, UserSpec)
    if user.name in {**ROBOTS, **BENCHES}:
        raise LimitError(f"{spec}: name {user.name!r} is taken; choose another name")
    if unknown := sorted(set(user.ros) - set(RosNames.__dataclass_fields__)):
        valid = ", ".join(RosNames.__dataclass_fields__)
        raise FileError(spec, f"ros: unknown {unknown}", f"valid: {valid}")
    path = Path(model).resolve()
    robot = _with_chain(path, user)
    check_model(build_model(robot), robot)
    sources = {
        "model": str(path),
        "spec": str(Path(spec).resolve()),
        "sha256": digest(path, spec),
    }
    robot = replace(robot, sources=sources)
    if robot.name in OWN:
        _check_same(OWN[robot.name], robot, "the arm loaded under that name")
    OWN[robot.name] = robot
    return robot


def model_files(model: Path) -> list[Path]:
    """Return an MJCF that compiles and every file it includes, absolute and sorted."""
    found = mujoco.mju_getXMLDependencies(str(model.resolve()))
    return sorted(Path(os.path.normpath(Path(name).absolute())) for name in found)


def digest(model: Path, spec: str | Path) -> str:
    """Return one SHA-256 over an MJCF, what it includes, and the spec file.

    Names count relative to the MJCF, so that a copy elsewhere has the same.
    """
    home = model.resolve().parent
    lines = [f"{os.path.relpath(p, home)} {sha256(p)}" for p in model_files(model)]
    text = "\n".join((*sorted(lines), f"spec {sha256(spec)}"))
    return hashlib.sha256(text.encode()).hexdigest()


def portable(robot: RobotSpec) -> RobotSpec:
    """Return a user's own arm as its bundle carries it: without paths."""
    names = {n: Path(robot.sources[n]).name for n in ("model", "spec")}
    return replace(robot, asset="", sources={**robot.sources, **names})


def simulated(contract: Contract) -> RobotSpec:
    """Return the arm of a contract with the model a simulator needs.

    Raises:
        FileError: it is a user's own, whose files were not loaded in this process.
        MismatchError: the loaded files are not those the policy was trained with.
    """
    own = contract.own_robot
    if own is None:
        return contract.arm
    if own.name not in OWN:
        raise FileError(
            own.sources.get("model", own.name),
            f"the bundle is for your own robot {own.name!r}, whose model it leaves out",
            "give --model and --spec",
        )
    _check_same(OWN[own.name], own, "the arm of the bundle")
    return OWN[own.name]


def _check_same(got: RobotSpec, expected: RobotSpec, what: str) -> None:
    one, other = (r.sources.get("sha256", "")[:12] for r in (got, expected))
    if one != other:
        raise MismatchError(
            f"files of robot {got.name!r}",
            f"SHA-256 {one}",
            f"{other} of {what}",
            "use the same files, or another name",
        )


def _with_chain(path: Path, user: UserSpec) -> RobotSpec:
    if not path.is_file():
        raise FileError(path, "no such file", "give the MJCF with --model")
    try:
        compiled: Any = mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise FileError(path, f"does not compile ({error})") from error
    data: Any = mujoco.MjData(compiled)
    ids = [_hinge(compiled, path, joint.name) for joint in user.joints]
    data.qpos[compiled.jnt_qposadr[ids]] = 0.0
    mujoco.mj_kinematics(compiled, data)
    joints, parent = [], np.eye(4)
    for joint, i in zip(user.joints, ids, strict=True):
        frame = _frame(data.xanchor[i], data.xmat[compiled.jnt_bodyid[i]])
        xyz, rpy = _relative(parent, frame)
        axis = _vector(compiled.jnt_axis[i])
        joints.append(JointSpec(xyz=xyz, rpy=rpy, axis=axis, **joint.model_dump()))
        parent = frame
    xyz, rpy = user.tool.xyz, user.tool.rpy
    site = mujoco.mj_name2id(compiled, mujoco.mjtObj.mjOBJ_SITE, user.tool.name)
    if site >= 0:
        tool = _frame(data.site_xpos[site], data.site_xmat[site])
        xyz, rpy = _relative(parent, tool)
    return RobotSpec(
        name=user.name,
        title=user.title or user.name,
        joints=tuple(joints),
        tool_frame=user.tool.name,
        tool_xyz=xyz,
        tool_rpy=rpy,
        asset=str(path),
        payload_limit=user.payload_limit,
        gravity_compensated=user.gravity_compensated,
        ros=RosNames(**user.ros),
    )


def _hinge(compiled: Any, path: Path, name: str) -> int:
    i: int = mujoco.mj_name2id(compiled, mujoco.mjtObj.mjOBJ_JOINT, name)
    hinge = mujoco.mjtJoint.mjJNT_HINGE
    hinges = [
        compiled.joint(k).name for k in np.flatnonzero(compiled.jnt_type == hinge)
    ]
    if name not in hinges:
        raise FileError(path, f"no hinge {name!r}", f"hinges: {', '.join(hinges)}")
    return i


def _frame(position: Any, rotation: Any) -> NDArray[np.float64]:
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = np.reshape(rotation, (3, 3)), position
    return frame


def _vector(values: Any) -> Vector3:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _relative(
    parent: NDArray[np.float64], frame: NDArray[np.float64]
) -> tuple[Vector3, Vector3]:
    """Return xyz and rpy (Rz Ry Rx) of ``frame`` in ``parent``."""
    local = np.linalg.inv(parent) @ frame
    r = local[:3, :3]
    flat = np.hypot(r[0, 0], r[1, 0])
    pitch = np.arctan2(-r[2, 0], flat)
    if flat > 1e-9:
        roll, yaw = np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])
    else:  # Pitch of 90 degrees: only one of roll and yaw is told; yaw stays zero.
        roll, yaw = np.arctan2(-r[1, 2], r[1, 1]), 0.0
    return _vector(local[:3, 3]), _vector((roll, pitch, yaw))
