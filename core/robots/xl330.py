"""Dynamixel XL330-M288-T swinging a pendulum: the test bench of a servo.

Sources:
    motor, limits: ROBOTIS e-Manual, XL330-M288-T, https://emanual.robotis.com/docs/en/
        dxl/x/xl330-m288/: 0.52 Nm and 1.47 A at stall and 103 rpm without load at 5 V,
        12 bit encoder, Position P Gain 400 as delivered.
    servo law: the same page and Rhoban/bam: duty = P / 256 * error in encoder steps /
        885, so a P gain and a supply voltage make one stiffness.
    pendulum: 0.49 kg at 0.10 m, the bench of Rhoban/bam; a log's header may say other.
    armature: guess, of the order of bam's servos; friction: none, to be measured.
    acceleration, jerk: guesses, what the stall torque does to the pendulum.
"""

from __future__ import annotations

import math

from forearm.core.robot import JointSpec, MotorSpec, RobotSpec

STEPS = 4096
"""Encoder steps per turn."""

GAIN_UNIT, DUTY_UNIT = 256.0, 885.0
"""Divisors of the firmware: of the P gain, and of the PWM at full duty."""

P_GAIN, VOLTAGE = 400.0, 7.4
"""P gain and supply [V] at which the spec's ``kp`` holds."""

MOTOR = MotorSpec(voltage=VOLTAGE, constant=0.52 / 1.47, resistance=5.0 / 1.47)
"""The motor behind its gear: stall torque over stall current, voltage over it."""


def duty_gain(p_gain: float) -> float:
    """Return the duty per position error of a firmware P gain [1/rad]."""
    return p_gain * STEPS / (2 * math.pi) / (GAIN_UNIT * DUTY_UNIT)


STALL = MOTOR.constant / MOTOR.resistance * VOLTAGE
"""Torque at full duty and standstill [Nm]."""

XL330 = RobotSpec(
    name="xl330",
    title="Dynamixel XL330-M288-T with a pendulum",
    joints=(
        JointSpec(
            name="joint",
            xyz=(0.0, 0.0, 0.3),
            rpy=(0.0, 0.0, 0.0),
            axis=(0.0, 1.0, 0.0),
            lower=-math.pi,
            upper=math.pi,
            velocity=10.8,
            acceleration=100.0,
            jerk=10000.0,
            effort=STALL,
            home=0.0,
            kp=STALL * duty_gain(P_GAIN),
            kv=MOTOR.damping,
            armature=0.001,
            viscous=0.0,
            coulomb=0.0,
            encoder_step=2 * math.pi / STEPS,
            motor=MOTOR,
        ),
    ),
    tool_frame="tool0",
    tool_xyz=(0.0, 0.0, -0.1),
    tool_rpy=(0.0, 0.0, 0.0),
    asset="xl330.xml",
    payload_limit=0.2,
    gravity_compensated=False,
    sources={
        "motor": "ROBOTIS e-Manual, XL330-M288-T",
        "limits": "ROBOTIS e-Manual, XL330-M288-T; acceleration and jerk are guesses",
        "servo": "ROBOTIS e-Manual, Position P Gain; Rhoban/bam",
        "inertia": "0.49 kg at 0.10 m, Rhoban/bam; armature is a guess",
        "payload": "guess: a third of what it lifts at 0.1 m",
    },
)
"""One servo with a pendulum; 0 hangs down."""
