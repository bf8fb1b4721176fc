"""A sample bundle: a hand-written reaching law of a trained policy's size.

It serves where a policy is needed and its skill is not: fault injection and timing.
The joints go to ``home + W target_position`` under the same command law as a trained
policy; an MLP of the usual size runs beside it with next to no say.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from forearm.core.bundle import Bundle, SelfTest, save_bundle
from forearm.core.contract import Contract, Input, JointLimits, Latency, Output
from forearm.core.geometry import Geometry
from forearm.core.interface import CommandLimits
from forearm.core.observation import SENSORS
from forearm.core.robot import RobotSpec

GRAPH = """
<ir_version: 10, opset_import: ["" : 20]>
sample (float[1, N] joint_pos, float[1, N] joint_vel, float[1, N] previous_command,
        float[1, N] previous_command_vel, float[1, 3] target_position,
        float[1, 4] target_quat_wxyz) => (float[1, N] joint_command)
{
    obs = Concat <axis = 1> (joint_pos, joint_vel, previous_command,
                             previous_command_vel, target_position, target_quat_wxyz)
    h1_in = Gemm (obs, w1, b1)
    h1 = Elu (h1_in)
    h2_in = Gemm (h1, w2, b2)
    h2 = Elu (h2_in)
    small = MatMul (h2, w3)
    goal_off = MatMul (target_position, mix)
    goal = Add (goal_off, home)
    error = Sub (goal, joint_pos)
    push = Mul (error, gain)
    sum = Add (push, small)
    action = Tanh (sum)
    wish = Mul (action, top)
    step = Sub (wish, previous_command_vel)
    step_low = Max (step, neg_dv)
    step_ok = Min (step_low, dv)
    vel = Add (previous_command_vel, step_ok)
    room_up = Sub (upper, previous_command)
    room_down = Sub (previous_command, lower)
    rooms = Concat <axis = 0> (room_up, room_down)
    rooms_ok = Max (rooms, zero)
    scaled = Mul (rooms_ok, two_over_acc)
    shifted = Add (scaled, dt_squared)
    root = Sqrt (shifted)
    lead = Sub (root, dt)
    fastest = Mul (lead, acc)
    fast_up, fast_down = Split <axis = 0, num_outputs = 2> (fastest)
    slow = Neg (fast_down)
    vel_low = Max (vel, slow)
    vel_ok = Min (vel_low, fast_up)
    moved = Mul (vel_ok, dt)
    wished = Add (previous_command, moved)
    joint_command = Identity (wished)
}
"""


def sample_bundle(
    path: str | Path,
    robot: RobotSpec,
    control_dt: float = 0.02,
    *,
    width: int = 256,
    forward: bool = False,
    geometry: Geometry | None = None,
) -> Bundle:
    """Write a sample bundle for ``robot``.

    Args:
        path: directory to create.
        robot: the arm.
        control_dt: control period [s].
        width: hidden units of the MLP that runs along.
        forward: whether the default controller is the forward position controller,
            else the joint trajectory controller.
        geometry: of the arm, for a workspace or clearance; none as a rule.
    """
    contract = sample_contract(robot, control_dt, forward=forward, geometry=geometry)
    policy = _graph(robot, control_dt, width)
    inputs = _nominal_inputs(robot, contract)
    session = onnxruntime.InferenceSession(policy)
    output = np.stack(
        [
            session.run(None, {k: v[i : i + 1] for k, v in inputs.items()})[0][0]
            for i in range(4)
        ]
    )
    return save_bundle(
        path, policy, contract, SelfTest(inputs, output), "# Sample policy\n"
    )


def sample_contract(
    robot: RobotSpec,
    control_dt: float,
    *,
    forward: bool = False,
    geometry: Geometry | None = None,
) -> Contract:
    """Return the contract of the sample policy, with all limits of ``robot``."""
    fields = {"joint_pos": "position", "joint_vel": "velocity"}
    names = list(SENSORS)[:6]
    inputs = [
        Input(
            name=name,
            size=SENSORS[name].size or robot.n,
            unit=SENSORS[name].unit,
            kind=SENSORS[name].kind,
            topic=robot.ros.joint_states if name in fields else None,
            field=fields.get(name),
            max_age=0.1 if name in fields else None,
        )
        for name in names
    ]
    controller, message = (
        (robot.ros.position_controller, "std_msgs/msg/Float64MultiArray")
        if forward
        else (robot.ros.trajectory_controller, "trajectory_msgs/msg/JointTrajectory")
    )
    limits = [
        JointLimits.model_validate(
            {name: getattr(joint, name) for name in JointLimits.model_fields}
        )
        for joint in robot.joints
    ]
    return Contract(
        robot=robot.name,
        joints=list(robot.joint_names),
        control_dt=control_dt,
        inputs=inputs,
        output=Output(controller=controller, message=message),
        limits=limits,
        geometry=geometry,
        latency=Latency(),
        task="sample",
        task_info={
            "position_tolerance": 0.02,
            "angle_tolerance": 0.2,
            "hold_time": 0.5,
            "episode_time": 4.0,
        },
    )


MLP = """
<ir_version: 10, opset_import: ["" : 20]>
mlp (float[1, M] obs) => (float[1, N] action)
{
    h1_in = Gemm (obs, w1, b1)
    h1 = Elu (h1_in)
    h2_in = Gemm (h1, w2, b2)
    h2 = Elu (h2_in)
    action = MatMul (h2, w3)
}
"""


def bare_mlp(robot: RobotSpec, width: int = 256) -> Callable[[], Any]:
    """Return ``session.run`` of nothing but the sample policy's network, to compare.

    Args:
        robot: the arm, for the sizes.
        width: hidden units.
    """
    import onnx  # of forearm[train]

    text = MLP.replace("M]", f"{4 * robot.n + 7}]").replace("N]", f"{robot.n}]")
    model = onnx.parser.parse_model(text)
    for name, value in _constants(robot, 0.01, width).items():
        if name in ("w1", "b1", "w2", "b2", "w3"):
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    inputs = {"obs": np.zeros((1, 4 * robot.n + 7), np.float32)}
    return lambda: session.run(None, inputs)


def _constants(
    robot: RobotSpec, dt: float, width: int
) -> dict[str, NDArray[np.float32]]:
    rng, n, limit = np.random.default_rng(0), robot.n, CommandLimits()
    size = 4 * n + 7
    acc = robot.vector("acceleration") * limit.acceleration
    values = {
        "w1": rng.normal(size=(size, width)) / np.sqrt(size),
        "b1": np.zeros(width),
        "w2": rng.normal(size=(width, width)) / np.sqrt(width),
        "b2": np.zeros(width),
        "w3": 1e-3 * rng.normal(size=(width, n)) / np.sqrt(width),
        "mix": np.tile(np.eye(3), (1, n))[:, :n],
        "home": robot.home[None],
        "gain": np.array([2.0]),
        "top": robot.vector("velocity")[None] * limit.velocity,
        "dv": acc[None] * dt,
        "neg_dv": -acc[None] * dt,
        "upper": robot.upper[None] - limit.margin,
        "lower": robot.lower[None] + limit.margin,
        "zero": np.zeros(1),
        "two_over_acc": 2 / acc[None],
        "dt_squared": np.array([dt * dt]),
        "dt": np.array([dt]),
        "acc": acc[None],
    }
    return {k: np.asarray(v, np.float32) for k, v in values.items()}


def _graph(robot: RobotSpec, dt: float, width: int) -> bytes:
    import onnx  # of forearm[train]: a robot runs bundles, it makes none

    model = onnx.parser.parse_model(GRAPH.replace("N]", f"{robot.n}]"))
    for name, value in _constants(robot, dt, width).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def _nominal_inputs(
    robot: RobotSpec, contract: Contract
) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    inputs = {
        i.name: rng.normal(size=(4, i.size)).astype(np.float32) for i in contract.inputs
    }
    inputs["joint_pos"] += robot.home.astype(np.float32)
    inputs["previous_command"] = inputs["joint_pos"].copy()
    inputs["previous_command_vel"] *= 0
    return inputs
