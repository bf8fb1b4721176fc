"""Turn a training run into a bundle: one graph, its contract and the proof."""

from __future__ import annotations

import logging
import platform
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from forearm import __version__
from forearm.core.bundle import Bundle, SelfTest, save_bundle
from forearm.core.contract import (
    Contract,
    Evaluation,
    Input,
    JointLimits,
    Latency,
    Output,
)
from forearm.core.geometry import Geometry, Tool, Workspace
from forearm.core.interface import Interface
from forearm.core.kinematics import mount
from forearm.core.observation import SENSORS
from forearm.core.robot import RobotSpec
from forearm.core.robots import OWN, get_robot
from forearm.core.training_range import TrainingRange
from forearm.sim.geometry import arm_geometry
from forearm.sim.quantities import all_nominal
from forearm.sim.tasks import Task
from forearm.sim.user_robot import portable

from .actor import Actor
from .card import model_card
from .evaluate import evaluate
from .parity import Parity, prove_parity, random_sensors, torch_rows
from .sensed import EPISODES, training_range
from .tolerance import DELAYS, delay_curve, tolerated_delay
from .train import Run

Singles = NDArray[np.float32]

MAX_AGE = 0.1
"""Oldest joint state the policy accepts [s]: five control periods."""


@dataclass(frozen=True)
class Export:
    """A bundle and how it was proven."""

    bundle: Bundle
    """The bundle on disk."""
    parity: Parity
    """ONNX against torch."""


def make_actor(run: Run) -> tuple[Actor, RobotSpec, type[Task]]:
    """Return the deterministic policy of ``run`` with its arm and task."""
    robot, task = get_robot(run.config.robot), run.task()
    return Actor(run.model, task.interface(robot)), robot, task


def export(
    run: Run,
    out: str | Path,
    *,
    episodes: int = 200,
    workspace: Workspace | None = None,
    clearance: float | None = None,
    tool: Tool | None = None,
) -> Export:
    """Write the bundle of ``run`` to ``out``; nothing is written if a proof fails.

    Args:
        run: what was trained.
        out: directory of the bundle.
        episodes: of each evaluation, and most of those whose senses are kept.
        workspace: box that the robot side keeps the commanded pose in; none for none.
        clearance: least distance it keeps between two links [m]; none for no check.
        tool: what the arm carries that neither its model nor the task knows, to be
            kept in the box and off the arm.

    Raises:
        MismatchError: ONNX and torch disagree.
        FileError: ``out`` exists and is not a bundle.
    """
    actor, robot, task = make_actor(run)
    policy = to_onnx(actor)
    parity = prove_parity(policy, actor, robot, task)
    evaluation = _evaluation(run, actor, episodes)
    training = _training(run, actor, episodes)
    whole = task.equip(robot)
    contract = Contract(
        robot=robot.name,
        own_robot=portable(robot) if robot.name in OWN else None,
        joints=list(whole.joint_names),
        control_dt=task.control_dt,
        inputs=_inputs(actor.interface, robot, training),
        output=_output(robot),
        limits=_limits(whole),
        geometry=_geometry(task(robot, 1), tool),
        workspace=workspace,
        clearance=clearance,
        training=training,
        latency=_latency(run, evaluation.delays),
        task=task.name,
        task_info=task(robot, 1).info(),
        provenance=_provenance(run, parity),
        evaluation=evaluation,
    )
    bundle = save_bundle(out, policy, contract, _selftest(actor), model_card(contract))
    return Export(bundle, parity)


def _output(robot: RobotSpec) -> Output:
    return Output(
        controller=robot.ros.trajectory_controller,
        message="trajectory_msgs/msg/JointTrajectory",
    )


def _geometry(task: Task, tool: Tool | None) -> Geometry:
    """Return the arm with what the task mounts on it, and the user besides."""
    known = arm_geometry(task.robot, task.hook())
    return known if tool is None else mount(known, tool)


def _training(run: Run, actor: Actor, episodes: int) -> TrainingRange:
    robot, randomization = get_robot(run.config.robot), run.randomization()
    most = min(EPISODES, episodes)
    return training_range(actor, robot, run.task(), randomization, most)


def _evaluation(run: Run, actor: Actor, episodes: int) -> Evaluation:
    robot, task = get_robot(run.config.robot), run.task()
    rest: dict[str, Any] = {"episodes": episodes, "values": run.values()}
    result = evaluate(robot, task, actor.act, **rest)
    return Evaluation(
        episodes=result.episodes,
        success=result.success,
        wilson_95=result.wilson_95,
        delays=delay_curve(robot, task, actor.act, DELAYS, **rest),
    )


def to_onnx(actor: Actor) -> bytes:
    """Trace ``actor`` into one self-contained graph with named batch-one inputs."""
    sizes = actor.interface.sensors
    example = tuple(torch.zeros(1, size) for size in sizes.values())
    # The exporter warns about packages and pytree details that do not concern us.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            actor,
            example,
            dynamo=True,
            external_data=False,
            input_names=list(sizes),
            output_names=["joint_command"],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


OBJECT_MAX_AGE = dict.fromkeys(("object_position", "object_quat_wxyz"), 0.2)
"""Oldest object pose a policy accepts [s]: five times the trained camera's delay."""

ROS_FIELDS = {
    "joint_pos": "position",
    "joint_vel": "velocity",
    "target_velocity": "twist",
}
"""Message fields that are not a pose."""

SOURCES = {
    "object_position": "object",
    "object_quat_wxyz": "object",
    "target_velocity": "twist",
}
"""Topics of task sensors that are not the target's pose."""


def _inputs(
    interface: Interface,
    robot: RobotSpec,
    training: TrainingRange,
) -> list[Input]:
    inputs = []
    for name, size in interface.sensors.items():
        kind = SENSORS[name].kind
        topics = {"robot": robot.ros.joint_states, "task": robot.ros.target}
        topics |= {"object": robot.ros.object, "twist": robot.ros.target_twist}
        source = SOURCES.get(name, kind)
        inputs.append(
            Input(
                name=name,
                size=size,
                unit=SENSORS[name].unit,
                kind=kind,
                topic=topics.get(source),
                field=ROS_FIELDS.get(name, "pose" if kind == "task" else None),
                max_age=MAX_AGE if kind == "robot" else OBJECT_MAX_AGE.get(name),
                low=training.at(name, 0.0).tolist(),
                high=training.at(name, 1.0).tolist(),
            )
        )
    return inputs


def _limits(robot: RobotSpec) -> list[JointLimits]:
    names = ("lower", "upper", "velocity", "acceleration", "jerk", "effort")
    return [JointLimits(**{n: getattr(j, n) for n in names}) for j in robot.joints]


def _latency(run: Run, curve: Sequence[dict[str, Any]]) -> Latency:
    low, high = _trained_delay(run)
    return Latency(trained_min=low, trained_max=high, tolerated=tolerated_delay(curve))


def _trained_delay(run: Run) -> tuple[float, float]:
    """Return the range of the command delay that was in use [s]."""
    randomization, name = run.randomization(), "command_delay"
    if name not in randomization.terms:
        return 0.0, 0.0
    term = randomization.terms[name]
    robot = get_robot(run.config.robot)
    nominal = {**all_nominal(robot), **(run.values() or {})}[name]
    ends = np.array([term.low, term.high])
    low, high = randomization.narrowed(name, ends, nominal)
    return float(low), float(high)


def _provenance(run: Run, parity: Parity) -> dict[str, Any]:
    return {
        "forearm": __version__,
        "torch": torch.__version__,
        "mujoco": mujoco.__version__,
        "python": platform.python_version(),
        "algorithm": run.config.algo,
        "seed": run.config.seed,
        "env_steps": run.record["env_steps"],
        "params_sha256": run.record.get("params_sha256"),
        "randomization": run.record["randomization"],
        "randomization_share": run.record.get("randomization_share", 1.0),
        "parity_max_abs_rad": parity.max_abs,
    }


def _selftest(actor: Actor, count: int = 32) -> SelfTest:
    sensors = random_sensors(actor.interface, np.random.default_rng(1), count)
    return SelfTest(sensors, torch_rows(actor, sensors).astype(np.float32))
