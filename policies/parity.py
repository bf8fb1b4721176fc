"""The proof that the exported graph and the trained policy are the same function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from forearm.core.errors import MismatchError
from forearm.core.interface import Interface
from forearm.core.robot import RobotSpec
from forearm.sim.loop import ArmLoop
from forearm.sim.tasks import Task

from .actor import Actor

Singles = NDArray[np.float32]

TOLERANCE = 1e-5
"""Largest accepted difference of a command [rad]: a tenth of an encoder's step."""


@dataclass(frozen=True)
class Parity:
    """Largest differences between ONNX and torch [rad]."""

    random: float
    """Over random inputs, saturation included."""
    closed_loop: float
    """Along closed-loop episodes driven by the ONNX graph."""
    inputs: int
    """Random inputs compared."""
    episodes: int
    """Episodes compared."""

    @property
    def max_abs(self) -> float:
        """The larger of the two."""
        return max(self.random, self.closed_loop)


def make_session(policy: bytes) -> onnxruntime.InferenceSession:
    """Return a single-threaded CPU session for a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        policy, options, providers=["CPUExecutionProvider"]
    )


def run_rows(
    session: onnxruntime.InferenceSession, sensors: Mapping[str, Singles]
) -> Singles:
    """Run a batch-one graph over rows of sensors (k, size); returns (k, n)."""
    rows = len(next(iter(sensors.values())))
    names = [i.name for i in session.get_inputs()]
    return np.concatenate(
        [
            session.run(None, {n: sensors[n][i : i + 1] for n in names})[0]
            for i in range(rows)
        ]
    )


def random_sensors(
    interface: Interface, rng: np.random.Generator, count: int
) -> dict[str, Singles]:
    """Draw sensors over and beyond their range, so that every clip saturates."""
    robot = interface.robot
    span = robot.upper - robot.lower
    speed = robot.vector("velocity")
    joint_pos = rng.uniform(robot.lower, robot.upper, (count, robot.n))
    quat = rng.standard_normal((count, 4))
    lead = rng.normal(0.0, 0.05, (count, robot.n))
    lead[::4] = rng.uniform(-0.6, 0.6, (len(lead[::4]), robot.n)) * span
    draws = {
        "joint_pos": joint_pos,
        "joint_vel": rng.normal(0.0, 0.7, (count, robot.n)) * speed,
        "previous_command": joint_pos + lead,
        "previous_command_vel": rng.uniform(-1.2, 1.2, (count, robot.n)) * speed,
        "target_position": rng.uniform(-1.5, 1.5, (count, 3)),
        "target_velocity": rng.normal(0.0, 0.5, (count, 3)),
        "object_position": rng.uniform(-1.5, 1.5, (count, 3)),
        "target_quat_wxyz": quat / np.linalg.norm(quat, axis=1, keepdims=True),
    }
    return {name: draws[name].astype(np.float32) for name in interface.sensors}


def torch_rows(actor: Actor, sensors: Mapping[str, Singles]) -> Singles:
    """Run the torch policy over rows of sensors (k, size); returns (k, n)."""
    with torch.no_grad():
        inputs = [torch.from_numpy(sensors[n].copy()) for n in actor.interface.sensors]
        return np.asarray(actor(*inputs).numpy())


def prove_parity(
    policy: bytes,
    actor: Actor,
    robot: RobotSpec,
    task: type[Task],
    *,
    count: int = 10_000,
    episodes: int = 20,
    seed: int = 7,
) -> Parity:
    """Compare ONNX and torch on random inputs and along closed-loop episodes.

    Raises:
        MismatchError: they differ by more than :data:`TOLERANCE` anywhere.
    """
    session = make_session(policy)
    sensors = random_sensors(actor.interface, np.random.default_rng(seed), count)
    random = float(
        np.abs(run_rows(session, sensors) - torch_rows(actor, sensors)).max()
    )
    loop, closed = ArmLoop(robot, task, episodes), 0.0
    loop.seed([seed + i for i in range(episodes)])
    loop.reset()
    for _ in range(loop.task.steps):
        named = {
            n: np.asarray(loop.sensors[n], np.float32) for n in actor.interface.sensors
        }
        command = run_rows(session, named)
        closed = max(closed, float(np.abs(command - torch_rows(actor, named)).max()))
        loop.step_command(command)
    parity = Parity(random, closed, count, episodes)
    if not parity.max_abs <= TOLERANCE:
        raise MismatchError(
            "ONNX against torch",
            f"{parity.max_abs:g} rad",
            f"at most {TOLERANCE:g} rad",
        )
    return parity
