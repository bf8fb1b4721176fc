"""Servos: an ideal position servo, or a DC motor with a position controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import MismatchError
from forearm.core.robot import GripperSpec, JointSpec, RobotSpec

Floats = NDArray[np.float64]

_POSITION = 1
"""``ctrlspec`` of a dcmotor whose control is a position."""


def add_servos(
    spec: Any, robot: RobotSpec, timestep: float, longest_delay: float
) -> None:
    """Give each joint of ``robot`` its limits and a servo with a command delay.

    Args:
        spec: what to add them to.
        robot: the arm.
        timestep: physics time step [s].
        longest_delay: that the servos' buffers hold [s].

    Raises:
        MismatchError: the MJCF has other joints, or in another order.
    """
    present = [joint.name for joint in spec.joints if joint.name in robot.joint_names]
    if tuple(present) != robot.joint_names:
        raise MismatchError("joints of the MJCF", present, list(robot.joint_names))
    samples = int(np.ceil(longest_delay / timestep)) + 1
    # A file's own unit: a user's MJCF may be in degrees.
    unit = 180.0 / np.pi if spec.compiler.degree else 1.0
    for joint in robot.joints:
        element = spec.joint(joint.name)
        scale = 1.0 if joint.prismatic else unit
        element.range = [joint.lower * scale, joint.upper * scale]
        element.actfrclimited = mujoco.mjtLimited.mjLIMITED_TRUE
        element.actfrcrange = [-joint.effort, joint.effort]
        element.actgravcomp = True
        servo = spec.add_actuator(name=joint.name, target=joint.name)
        servo.trntype = mujoco.mjtTrn.mjTRN_JOINT
        _set_servo(servo, joint)
        servo.nsample = samples
        servo.interp = 1
        # A history buffer exists only where the compiled delay is positive.
        servo.delay = timestep


def _set_servo(servo: Any, joint: JointSpec) -> None:
    motor = joint.motor
    if motor is None:
        servo.set_to_position(kp=joint.kp, kv=joint.kv)
        return
    servo.set_to_dcmotor(
        motorconst=[motor.constant, 0.0],
        resistance=motor.resistance,
        # kp, ki, kd, slew rate, integral limit, voltage limit; the gains come with
        # the parameter values.
        controller=[1.0, 0.0, 0.0, 0.0, 0.0, motor.voltage],
        ctrlspec=_POSITION,
    )


def freeze_gripper(spec: Any, gripper: GripperSpec) -> None:
    """Fix the fingers where they rest, so that an arm alone has no joint too many.

    Raises:
        MismatchError: the MJCF lacks a finger's joint.
    """
    # Compiled, every way to write where a body is has become the same one.
    model = spec.compile()
    for name in (gripper.joint.name, *gripper.mimic):
        joint = spec.joint(name)
        if joint is None:
            raise MismatchError("joints of the MJCF", "none", name)
        body, home = joint.parent, gripper.joint.home
        body.pos, body.quat = model.body(body.name).pos, model.body(body.name).quat
        body.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        body.set_frame(body.parent.add_frame())
        if gripper.joint.prismatic:
            turned = np.zeros(3)
            mujoco.mju_rotVecQuat(turned, np.array(joint.axis), np.array(body.quat))
            body.pos = np.array(body.pos) + home * turned
        else:
            turn, quat = np.zeros(4), np.zeros(4)
            mujoco.mju_axisAngle2Quat(turn, np.array(joint.axis), home)
            mujoco.mju_mulQuat(quat, np.array(body.quat), turn)
            body.quat = quat
        for equality in list(spec.equalities):
            if name in (equality.name1, equality.name2):
                spec.delete(equality)
        spec.delete(joint)


class ServoGains:
    """Turns kp, kv and torque scale into MuJoCo's gain and bias parameters."""

    def __init__(self, robot: RobotSpec) -> None:
        """Remember which joints have a motor."""
        motors = [joint.motor for joint in robot.joints]
        self._motor = np.array([motor is not None for motor in motors])[:, None]
        self._constant, self._resistance = np.array(
            [(m.constant, m.resistance) if m else (1.0, 1.0) for m in motors]
        ).T

    def __call__(self, values: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return gains (..., n, 1 or 7) and biases (..., n, 3)."""
        kp = values["kp"] * values["torque_scale"]
        kv = values["kv"] * values["torque_scale"]
        gain, bias = kp[..., None], np.stack([0 * kp, -kp, -kv], -1)
        if not self._motor.any():
            return gain, bias
        padded = np.concatenate([gain, np.zeros((*kp.shape, 6))], axis=-1)
        gain = np.where(self._motor, self._motor_gain(values), padded)
        return gain, np.where(self._motor, 0.0, bias)

    def _motor_gain(self, values: Mapping[str, Floats]) -> Floats:
        """Return R, K, -, -, kp, ki, kd of dcmotors with the servo's kp and kv.

        MuJoCo's controller asks for a torque kp e - kd v and finds the voltage that
        gives it, back-EMF included, up to the supply's. A weaker motor has a larger R.
        """
        scale = values["torque_scale"]
        zero = np.zeros_like(values["kp"])
        columns = [
            self._resistance / np.maximum(scale, 1e-6),
            self._constant + zero,
            zero,
            zero,
            values["kp"] * scale,
            zero,
            values["kv"] * scale,
        ]
        return np.stack(columns, axis=-1)
