"""SO-101 (The Robot Studio), follower arm with its gripper, 7.4 V servos.

Sources:
    kinematics, limits of position, inertia: TheRobotStudio/SO-ARM100,
        Simulation/SO101/so101_new_calib.urdf. Base frame: ``baseframe`` of that file
        turned by 90 degrees, so that x points forward. Tool: ``gripperframe``, turned
        so that z points out of the gripper.
    motor: Feetech STS3215 at 7.4 V as identified by the authors of Duclusaud et al.,
        "Extended Friction Models for the Physics Simulation of Servo Actuators", arXiv
        2410.08650: Rhoban/bam, bam/params/feetech_sts3215_7_4V/m3.json (kt 1.265 Nm/A,
        R 2.453 Ohm, armature 0.0235 kg m^2, friction 0.0556 Nm + 0.212 of the load +
        0.0315 Nm s/rad, 5.07 rad/s).
    effort: Feetech STS3215 7.4 V product page: stall torque 19.5 kg cm.
    encoder: the same page: 12 bits, 4096 steps a turn.
    servo: kp of the factory's P = 32, TheRobotStudio/SO-ARM100,
        Simulation/SO101/joints_properties.xml (17.8 Nm/rad); kv is the back-EMF alone.
    acceleration, jerk: not published; guesses, a third of what the motor could do with
        the arm stretched.
"""

from __future__ import annotations

import math

from forearm.core.robot import GripperSpec, JointSpec, MotorSpec, RobotSpec, Vector3

MOTOR = MotorSpec(voltage=7.4, constant=1.265, resistance=2.453)
"""STS3215 behind its 1:345 gear."""


def _joint(
    name: str, xyz: Vector3, rpy: Vector3, lower: float, upper: float, home: float
) -> JointSpec:
    return JointSpec(
        name=name,
        xyz=xyz,
        rpy=rpy,
        lower=lower,
        upper=upper,
        velocity=5.07,
        acceleration=15.0,
        jerk=750.0,
        effort=1.91,
        home=home,
        kp=17.8,
        kv=MOTOR.damping,
        armature=0.0235,
        viscous=0.0315,
        coulomb=0.0556,
        load_friction=0.212,
        encoder_step=2 * math.pi / 4096,
        motor=MOTOR,
    )


_HALF = math.pi / 2

SO101 = RobotSpec(
    name="so101",
    title="The Robot Studio SO-101 with gripper",
    joints=(
        _joint(
            "shoulder_pan",
            (0.0388353, 0.0, 0.0624),
            (math.pi, 0.0, math.pi),
            -1.91986,
            1.91986,
            0.0,
        ),
        _joint(
            "shoulder_lift",
            (-0.0303992, -0.0182778, -0.0542),
            (-_HALF, -_HALF, 0.0),
            -1.74533,
            1.74533,
            0.0,
        ),
        _joint(
            "elbow_flex",
            (-0.11257, -0.028, 0.0),
            (0.0, 0.0, _HALF),
            -1.69,
            1.69,
            0.0,
        ),
        _joint(
            "wrist_flex",
            (-0.1349, 0.0052, 0.0),
            (0.0, 0.0, -_HALF),
            -1.65806,
            1.65806,
            0.8,
        ),
        _joint(
            "wrist_roll",
            (0.0, -0.0611, 0.0181),
            (_HALF, 0.0, math.pi),
            -2.79253,
            2.79253,
            0.0,
        ),
    ),
    tool_frame="tool0",
    tool_xyz=(-0.0079, -0.000218121, -0.0981274),
    tool_rpy=(math.pi, 0.0, 0.0),
    asset="so101.xml",
    payload_limit=0.2,
    gripper=GripperSpec(
        joint=_joint(
            "gripper",
            (0.0202, 0.0188, -0.0234),
            (_HALF, 0.0, 0.0),
            -0.174533,
            1.74533,
            1.0,
        ),
        open=1.5,
        closed=-0.17,
    ),
    gravity_compensated=False,
    sources={
        "kinematics": "TheRobotStudio/SO-ARM100, so101_new_calib.urdf",
        "limits": "position: the same file; effort: Feetech STS3215 product page; "
        "velocity: Rhoban/bam",
        "acceleration": "guess",
        "servo": "TheRobotStudio/SO-ARM100, joints_properties.xml; Rhoban/bam, m3.json",
        "friction": "Rhoban/bam, feetech_sts3215_7_4V/m3.json",
        "inertia": "TheRobotStudio/SO-ARM100, so101_new_calib.urdf",
        "payload": "guess: what the shoulder holds stretched at a third of its stall",
    },
)
"""The SO-101; nothing compensates gravity, so it sags as the real one does."""
