"""Replay windows of logs in the simulator, for many parameter sets in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from forearm.core.log import Floats
from forearm.core.robot import RobotSpec
from forearm.sim.batch import ArmBatch
from forearm.sim.model import FieldMap

from .windows import LENGTH, Window

SIGNALS = ("position", "velocity", "effort")
"""What is compared, in the order of the arrays."""

PHYSICS = 1e-3
"""Physics step [s]: a stiff servo's damping acts as extra inertia of kv times the step,
which must stay small beside the armature for the values to be the arm's."""

LADDER = ("load_friction", "stribeck")
"""Friction MuJoCo has no field for."""

SENSED = ("command_delay", "encoder_offset")
"""Parameters that are applied to commands and readings, not to the model."""

FAR = 1e3
"""Residual of a simulation that left the numbers, in scales."""


class Rollout:
    """Simulates every window under every parameter set asked for."""

    def __init__(
        self,
        robot: RobotSpec,
        windows: Sequence[Window],
        scales: list[Floats],
        sets: int,
        length: float = LENGTH,
    ) -> None:
        """Allocate for ``sets`` parameter sets at a time.

        Args:
            robot: the arm.
            windows: stretches to replay.
            scales: scale of position, velocity and effort errors, (n,) each.
            sets: most parameter sets per call.
            length: length of the windows [s].
        """
        self.robot = robot
        self.windows = list(windows)
        self.steps = int(np.ceil(length / PHYSICS)) + 1
        self._arm = ArmBatch(
            robot, sets * len(self.windows), timestep=PHYSICS, hook=_without_contact
        )
        self._map = FieldMap(self._arm.model, robot)
        self._qpos = self._arm.batch.bind("qpos")
        self._qvel = self._arm.batch.bind("qvel")
        self._ctrl = self._arm.batch.bind("ctrl")
        self._torque = self._arm.batch.bind("qfrc_actuator")
        self._sent = [_Sent(w) for w in self.windows]
        self.scales = scales
        """Scale of position, velocity and effort errors, (n,) each."""
        self._scale = np.stack(scales)
        self._measured = [_measured(w) for w in self.windows]

    def simulate(
        self, sets: Sequence[Mapping[str, Floats]], starts: Floats | None = None
    ) -> list[Floats]:
        """Return what the sensors would read, per window (sets, 3, samples, n).

        Args:
            sets: parameter values by name, (size,) each; ``command_delay`` shifts
                the commands, to a fraction of a physics step.
            starts: added to the start states [rad, rad/s], (sets, windows, 2 n).
        """
        count, total, n = len(sets), len(self.windows), self.robot.n
        ids: NDArray[np.intp] = np.arange(count * total)
        names = [name for name in sets[0] if name not in SENSED]
        values = {
            k: np.repeat(np.stack([s[k] for s in sets]), total, axis=0) for k in names
        }
        offset = np.stack([s.get("encoder_offset", np.zeros(n)) for s in sets])
        start = np.stack([np.append(w.position, w.velocity) for w in self.windows])
        begin = np.tile(start, (count, 1, 1))
        begin = begin if starts is None else begin + starts
        begin[..., :n] -= offset[:, None]
        begin = begin.reshape(count * total, 2 * n)
        self._arm.set_values(ids, values)
        self._arm.reset(ids, begin[:, :n])
        self._qvel[ids[:, None], self._map.dof] = begin[:, n:]
        delays = [float(s.get("command_delay", np.zeros(1))[0]) for s in sets]
        controls = {d: self._control(d) for d in set(delays)}
        control = np.concatenate([controls[d] for d in delays])
        if any(values[name].any() for name in LADDER if name in values):
            record = self._stepwise(ids, control)
        else:
            record = self._arm.batch.rollout(
                self.steps,
                control,
                int(mujoco.mjtState.mjSTATE_CTRL),
                record=("qpos", "qvel", "qfrc_actuator"),
                ids=ids,
            )
        found = self._sample(record, count)
        for rows in found:
            rows[:, 0] += offset[:, None]
        return found

    def _stepwise(
        self, ids: NDArray[np.intp], control: Floats
    ) -> Mapping[str, NDArray[np.float64]]:
        """Step with the friction level of each moment: it sticks, as Coulomb does."""
        dof = np.ix_(ids, self._map.dof)
        level = self._arm.batch.expand("dof_frictionloss")
        value = {k: v[ids] for k, v in self._arm.values.items()}
        shape = (len(ids), self.steps, self._arm.model.nv)
        record = {k: np.empty(shape) for k in ("qpos", "qvel", "qfrc_actuator")}
        torque = np.zeros((len(ids), self.robot.n))
        for step in range(self.steps):
            speed = self._qvel[dof] / value["stribeck_velocity"]
            level[dof] = (
                value["coulomb"]
                + value["load_friction"] * np.abs(torque)
                + value["stribeck"] * np.exp(-np.minimum(speed**2, 50.0))
            )
            self._ctrl[ids] = control[:, step]
            self._arm.batch.step(ids=ids)
            record["qpos"][:, step] = self._qpos[ids]
            record["qvel"][:, step] = self._qvel[ids]
            record["qfrc_actuator"][:, step] = self._torque[ids]
            torque = self._torque[dof]
        return record

    def _control(self, delay: float) -> Floats:
        sent = np.stack([s.control(delay, self.steps) for s in self._sent])
        control = np.zeros((*sent.shape[:2], self._arm.model.nu))
        control[..., self._map.actuator] = sent
        return control

    def _sample(self, record: Mapping[str, Floats], count: int) -> list[Floats]:
        total, shape = len(self.windows), (count, len(self.windows), self.steps, -1)
        after = [
            record[name].reshape(shape)[..., index]
            for name, index in (
                ("qpos", self._map.qpos),
                ("qvel", self._map.dof),
                ("qfrc_actuator", self._map.dof),
            )
        ]
        found = []
        for w in range(total):
            # The state after step k is that of time k + 1; drivers report the torque
            # that brought the arm there.
            place = self.windows[w].time / PHYSICS - 1
            found.append(np.stack([_between(a[:, w], place) for a in after], axis=1))
        return found

    def residuals(
        self, sets: Sequence[Mapping[str, Floats]], starts: Floats | None = None
    ) -> list[Floats]:
        """Return simulated minus measured in scales, per window (sets, 3, samples, n).

        A signal that was not measured has no error.
        """
        found = []
        for simulated, measured in zip(
            self.simulate(sets, starts), self._measured, strict=True
        ):
            error = (simulated - measured) / self._scale[:, None]
            error = np.nan_to_num(error, nan=FAR, posinf=FAR, neginf=-FAR)
            missing = np.isnan(measured)[None]
            found.append(np.where(missing, 0.0, np.clip(error, -FAR, FAR)))
        return found


def _between(rows: Floats, place: Floats) -> Floats:
    """Interpolate ``rows`` (sets, steps, n) at fractional steps ``place``."""
    low = np.clip(np.floor(place).astype(np.intp), 0, rows.shape[1] - 2)
    part = np.clip(place - low, 0.0, 1.0)[:, None]
    return np.asarray((1 - part) * rows[:, low] + part * rows[:, low + 1])


def _measured(window: Window) -> Floats:
    shape = window.log.position[window.rows].shape
    signals = [getattr(window.log, name) for name in SIGNALS]
    return np.stack(
        [s[window.rows] if len(s) else np.full(shape, np.nan) for s in signals]
    )


class _Sent:
    """The commands of one window, held from one to the next, for any delay."""

    def __init__(self, window: Window) -> None:
        log = window.log
        self._start = window.start
        # The mean over a physics step of a held command is a difference of its
        # integral: exact, and continuous in the delay.
        self._time = np.concatenate(
            [[log.command_time[0] - 10.0], log.command_time, log.command_time[-1:] + 10]
        )
        held = np.vstack([log.command[:1], log.command])
        steps = np.diff(self._time)[:, None]
        self._sum = np.vstack([0 * held[:1], np.cumsum(held * steps, axis=0)])

    def control(self, delay: float, steps: int) -> Floats:
        """Return the command in force in each physics step [rad], (steps, n)."""
        edges = self._start - delay + PHYSICS * np.arange(steps + 1)
        columns = [np.interp(edges, self._time, c) for c in self._sum.T]
        return np.diff(np.stack(columns, axis=1), axis=0) / PHYSICS


def _without_contact(spec: Any) -> None:
    """A log is of free motion; looking for contacts takes half of the time."""
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
