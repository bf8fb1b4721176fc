"""ArmLoop: sense, command, step, judge; the one loop behind every environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import LimitError
from forearm.core.interface import zeros
from forearm.core.kinematics import ToolPose
from forearm.core.robot import RobotSpec

from .batch import ArmBatch
from .disturbance import Disturbance, delay_to_hold
from .intervals import Intervals
from .model import TIMESTEP, Values
from .program import command_program, observe_program
from .quantities import all_nominal
from .randomization import Randomization
from .scene import Scene
from .sensing import SENSED, Sensing
from .tasks import State, Task
from .widening import Widening

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ids = NDArray[np.intp]


@dataclass(frozen=True)
class Step:
    """What one control period brought; arrays over the simulations."""

    observation: Singles
    """Next observation, (nsim, observation_size); a new episode's where done."""
    reward: Singles
    """Shaped reward, (nsim,)."""
    terminated: Bools
    """The task ended the episode, (nsim,)."""
    truncated: Bools
    """Time is up or the simulation became unstable, (nsim,)."""
    success: Bools
    """The task is truly fulfilled at this moment, (nsim,); counts at the end."""
    unstable: Bools
    """The simulation left the numbers and was given up, (nsim,)."""
    final_observation: Singles
    """Last observation of the episodes that ended, (k, observation_size)."""
    done_ids: Ids
    """The simulations that ended, (k,)."""
    episode_reward: Singles
    """Sum of rewards of the episodes that ended, (k,)."""


class ArmLoop:
    """``nsim`` episodes of one task on one arm, restarted one by one as they end."""

    def __init__(
        self,
        robot: RobotSpec,
        task: type[Task],
        nsim: int,
        *,
        values: Values | None = None,
        randomization: Randomization | None = None,
        widening: Widening | None = None,
        nthread: int = 0,
        timestep: float = TIMESTEP,
        longest_delay: float | None = None,
    ) -> None:
        """Build the batch, the task and the sensing for ``nsim`` simulations.

        ``longest_delay`` is the command delay that can be set [s]; by default what the
        randomization may draw, or all there is where it draws none.
        """
        self.task, self.nsim = task(robot, nsim), nsim
        self.robot = robot = self.task.robot
        self.widening = widening
        full = widening.full if widening else randomization or Randomization()
        self.randomization = widening.randomization if widening else full
        self.interface = task.interface(robot)
        self._nominal = self._checked({**all_nominal(robot), **(values or {})})
        self.batch = ArmBatch(
            robot,
            nsim,
            values=values,
            control_dt=task.control_dt,
            timestep=timestep,
            nthread=nthread,
            hook=self.task.hook(),
            coarse=True,
            longest_delay=longest_delay or delay_to_hold(full, self._nominal),
        )
        self.task.bind(Scene(self.batch.model, self.batch.batch))
        self.unstable_episodes = 0
        """Episodes given up because the simulation became unstable."""
        dt, steps = task.control_dt, self.task.steps
        self._sensing = Sensing(nsim, robot.n, dt, steps)
        self._disturbance = Disturbance(self.batch, dt, steps)
        self._intervals = Intervals(self.randomization, nsim, dt, steps)
        self._command = command_program(self.interface, nsim)
        self._see = observe_program(self.interface, task.score, nsim)
        self._sensors = zeros(self.interface.sensors, nsim)
        self._rngs = [np.random.default_rng(i) for i in range(nsim)]
        self._all, self._elapsed = np.arange(nsim), np.zeros(nsim, np.intp)
        self._reward = np.zeros(nsim, np.float32)
        self._previous_action = np.zeros((nsim, robot.n), np.float32)

    def _checked(self, nominal: dict[str, Floats]) -> dict[str, Floats]:
        self.randomization.check(self.robot, nominal)
        Disturbance.check(self.randomization, nominal)
        return nominal

    @property
    def sensors(self) -> Mapping[str, Singles]:
        """Named sensor arrays of the current observation, (nsim, size) each."""
        return self._sensors

    @property
    def nominal(self) -> Mapping[str, Floats]:
        """Parameter values that randomization varies, (size,) each."""
        return self._nominal

    def set_values(self, ids: Ids, values: Mapping[str, Floats]) -> None:
        """Change parameter values (len(ids), size) within the episodes of ``ids``.

        Sensor noise, jitter, drops and pushes are drawn when an episode starts: theirs
        count from the next one on.

        Raises:
            UnknownNameError: a parameter does not exist.
            LimitError: a value is not finite or outside what is physical.
        """
        self.batch.set_values(ids, values)
        if not values.keys().isdisjoint(SENSED):
            chosen = self.batch.values
            self._sensing.refresh(ids, {n: chosen[n][ids] for n in SENSED})

    def seed(self, seeds: Sequence[int]) -> None:
        """Give each simulation its own generator.

        Raises:
            LimitError: the number of seeds is not the number of simulations.
        """
        if len(seeds) != self.nsim:
            raise LimitError(f"{self.nsim} simulations need as many seeds")
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def reset(self, ids: Ids | None = None) -> Singles:
        """Start new episodes in ``ids`` (all by default); return all observations."""
        ids = self._all if ids is None else ids
        self._start(ids)
        return self._observe_ids(self._all)

    def reset_only(self, ids: Ids) -> Singles:
        """Start new episodes in ``ids``; return their observations, (k, size)."""
        self._start(ids)
        return self._observe_ids(ids)

    def _start(self, ids: Ids) -> None:
        rngs = [self._rngs[i] for i in ids]
        drawn = self.randomization.sample_many(rngs, self._nominal)
        if drawn:
            self.batch.set_values(ids, drawn)
        start = self.task.reset(ids, rngs)
        self.batch.reset(ids, start)
        self.task.place(ids, rngs)
        chosen = {name: value[ids] for name, value in self.batch.values.items()}
        self._sensing.reset(ids, start, chosen, rngs)
        self._disturbance.reset(ids, start, rngs)
        self._intervals.reset(ids, rngs, self.randomization, self._nominal)
        self._sensors["previous_command"][ids] = start
        self._sensors["previous_command_vel"][ids] = 0.0
        self._elapsed[ids] = 0
        self._reward[ids] = 0.0
        self._previous_action[ids] = 0.0

    def _redraw(self) -> None:
        """Change what changes within the episodes, where it is time to."""
        for name, ids, drawn in self._intervals.due(self._elapsed):
            if name == "push_force":  # The model does not know it.
                self.batch.values[name][ids] = drawn
                self._disturbance.push(ids)
                continue
            self.batch.set_values(ids, {name: drawn})
            if name in SENSED:
                values = self.batch.values
                self._sensing.refresh(ids, {n: values[n][ids] for n in SENSED})

    def _observe_ids(self, ids: Ids) -> Singles:
        """Sense ``ids`` and return their observations; the others stay as they are."""
        position, velocity = self._sensing.sense(ids)
        sensors = self._sensors
        for name, value in (("joint_pos", position), ("joint_vel", velocity)):
            sensors[name] = sensors[name].copy()
            sensors[name][ids] = value
        for name, value in self.task.sensors().items():
            sensors[name] = value
        chosen = {name: value[ids] for name, value in sensors.items()}
        idle = np.zeros((len(ids), self.robot.n), np.float32)
        extra = {"true_pos": position, "action": idle, "previous_action": idle}
        return self._see({**chosen, **extra})["observation"]

    def step(self, action: Singles) -> Step:
        """Advance every simulation by one control period under ``action`` (nsim, n)."""
        given = {**self._sensors, "action": np.asarray(action, np.float32)}
        asked = self._command(given)
        return self._advance(asked["command"], asked["velocity"], asked["action"])

    def step_command(self, command: Singles, action: Singles | None = None) -> Step:
        """Advance by one control period under joint commands [rad] (nsim, n)."""
        action = self._previous_action if action is None else action
        way = command - self._sensors["previous_command"]
        return self._advance(command, way / np.float32(self.task.control_dt), action)

    def _advance(self, command: Singles, velocity: Singles, action: Singles) -> Step:
        self._sensors["previous_command_vel"] = velocity
        self._sensors["previous_command"] = command
        if self._intervals.any:
            self._redraw()
        if self._disturbance.active:
            self.batch.step(self._disturbance.before(command, self._elapsed))
        else:
            self.batch.step(command)
        motion = self._sensing.next_tick()
        unstable = self.batch.read(motion)
        if unstable.any():
            self._park(np.flatnonzero(unstable))
            self.batch.read(motion)
        self.task.watch()
        observation, state = self._observe(motion, action)
        reward, success = self.task.evaluate(state)
        self._previous_action = action.copy()
        return self._finish(observation, reward, success.copy(), unstable)

    def _observe(self, motion: Singles, action: Singles) -> tuple[Singles, State]:
        """Return all observations and the true state, seen and judged in one pass."""
        joint_pos, joint_vel = motion[:, : self.robot.n], motion[:, self.robot.n :]
        sensors, previous = self._sensors, self._previous_action
        sensors["joint_pos"], sensors["joint_vel"] = self._sensing.sense()
        for name, value in self.task.sensors().items():
            sensors[name] = value
        moved = {"true_pos": joint_pos, "action": action, "previous_action": previous}
        seen = self._see({**sensors, **moved})
        pose = ToolPose(seen.pop("position"), seen.pop("rotation"))
        observation = seen.pop("observation")
        return observation, State(pose, joint_pos, joint_vel, action, previous, seen)

    def _park(self, ids: Ids) -> None:
        """Put unstable simulations at rest so that no bad number leaves the batch."""
        self.unstable_episodes += len(ids)
        home = np.repeat(self.robot.home[None], len(ids), axis=0)
        self.batch.reset(ids, home)
        self._sensors["previous_command"][ids] = home
        self._sensors["previous_command_vel"][ids] = 0.0

    def _finish(
        self, observation: Singles, reward: Singles, success: Bools, unstable: Bools
    ) -> Step:
        self._elapsed += 1
        truncated = self._elapsed >= self.task.steps
        if unstable.any():
            reward = np.where(unstable, np.float32(0.0), reward)
            success &= ~unstable
            truncated |= unstable
        self._reward += reward
        terminated = np.zeros(self.nsim, np.bool_)
        done = np.flatnonzero(truncated)
        final, total = observation[:0], self._reward[:0]
        if len(done):
            final, total = observation[done], self._reward[done]
            if self.widening is not None and self.widening.record(success[done]):
                self.randomization = self.widening.randomization
            observation[done] = self.reset_only(done)
        return Step(
            observation,
            reward,
            terminated,
            truncated,
            success,
            unstable,
            final,
            done,
            total,
        )
