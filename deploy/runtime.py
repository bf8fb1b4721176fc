"""Runtime: from what was sensed to a safe command, without clock or transport.

The node puts messages in, calls :meth:`Runtime.step` once per period with the time,
and sends what comes out. Everything that decides about motion is here and below.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from forearm.core.bundle import Bundle
from forearm.core.errors import ForearmError
from forearm.core.histogram import Histogram

from .authority import Authority, TroubleWatch
from .faults import Fault, Problem
from .fence import make_fence
from .latency_watch import LatencyWatch
from .limiter import Limiter
from .onnx_policy import OnnxPolicy
from .requirements import (
    DEFAULT_MAX_AGE,
    check_delay,
    check_inputs,
    check_rate,
    max_age,
    task_ages,
)
from .shift import ShiftWatch
from .state_machine import State, StateMachine
from .step import RuntimeOptions, Step
from .watchdog import JointSample, JointWatch

Driven = tuple[list[float], list[float]]
"""Position [rad] and velocity [rad/s] of a command."""


class Runtime:
    """One policy driving one arm."""

    def __init__(
        self,
        bundle: Bundle,
        options: RuntimeOptions | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Load and prove the policy.

        Args:
            bundle: verified bundle.
            options: the operator's choices.
            timer: measures inference; nothing is decided with it.

        Raises:
            ForearmError: the bundle may not be run here.
        """
        contract = self.contract = bundle.contract
        chosen = self.options = options or RuntimeOptions()
        check_inputs(contract)
        self.policy = OnnxPolicy(bundle)
        check_rate(contract.control_dt, self.policy.seconds)
        check_delay(contract, self.policy.seconds)
        self._task_ages = task_ages(contract)
        self._needs_velocity = "joint_vel" in self.policy.inputs
        self.max_age = max_age(contract, "robot", DEFAULT_MAX_AGE)
        lag = not chosen.simulated_time
        self.watch = JointWatch(contract.joints, self.max_age, lag=lag)
        self.limiter = Limiter(contract.limits, contract.control_dt)
        self.fence = make_fence(
            contract, chosen.workspace, chosen.clearance, chosen.tool
        )
        """Keeps the arm in its workspace and off itself; none where not asked for."""
        self.shift = ShiftWatch(contract)
        self.latency = LatencyWatch(contract)
        reactions = contract.reactions
        self.machine = StateMachine(reactions, chosen.ramp, chosen.recover)
        dt = contract.control_dt
        self.authority = Authority(dt, chosen.authority, chosen.fallback)
        self._trouble = TroubleWatch(dt, contract.tracking_error_limit)
        self.stopping = False
        """Brings the command to rest whatever the state, for deactivation."""
        self.shadow = False
        """Follows the arm and only says what it would command."""
        self.hits = 0
        """Periods in which the limiter changed the policy's wish."""
        self.inference = Histogram()
        self._timer = timer
        self._received = dict.fromkeys(self._task_ages, -math.inf)
        self._invalid: Problem | None = None
        self._step = Step()

    def activate(self, now: float) -> None:
        """Start from the measured pose.

        Raises:
            ForearmError: there is no fresh joint state, or it is outside the limits.
        """
        problem = self.watch.check(now)
        if problem is not None:
            raise ForearmError(f"cannot activate: {problem.text}")
        self.limiter.reset(self.watch.position)
        self.machine.activate()
        self.latency.reset()
        self._trouble.reset()
        self.stopping = False
        self._invalid = None

    def on_joint_state(self, sample: JointSample) -> None:
        """Take a joint state message."""
        problem = self.watch.accept(sample)
        if problem is not None:
            self._invalid = problem

    def on_publishers(self, count: int) -> None:
        """Take how many publishers of joint states the transport's graph shows."""
        if count > 1:
            text = f"{count} publishers of joint states"
            self._invalid = Problem(Fault.SECOND_PUBLISHER, text)

    def on_target(
        self, position: Sequence[float], quat_wxyz: Sequence[float], now: float
    ) -> bool:
        """Take a target pose [m, unit quaternion]; returns whether it was valid."""
        return self._on_pose("target", position, quat_wxyz, now)

    def on_object(
        self, position: Sequence[float], quat_wxyz: Sequence[float], now: float
    ) -> bool:
        """Take an object's pose [m, unit quaternion]; returns whether it was valid."""
        return self._on_pose("object", position, quat_wxyz, now)

    def on_target_velocity(self, velocity: Sequence[float], now: float) -> bool:
        """Take the target's velocity [m/s]; returns whether it was valid."""
        if not all(map(math.isfinite, velocity)):
            return False
        if "target_velocity" in self.policy.inputs:
            self.policy.inputs["target_velocity"][0] = velocity
        self._received["target velocity"] = now
        return True

    def _on_pose(
        self, of: str, position: Sequence[float], quat: Sequence[float], now: float
    ) -> bool:
        norm, inputs = math.hypot(*quat), self.policy.inputs
        if not all(map(math.isfinite, position)) or not 0.9 < norm < 1.1:
            return False
        if f"{of}_position" in inputs:
            inputs[f"{of}_position"][0] = position
        if f"{of}_quat_wxyz" in inputs:
            sign = -1.0 if quat[0] < 0 else 1.0
            inputs[f"{of}_quat_wxyz"][0] = [sign * q / norm for q in quat]
        self._received["object pose" if of == "object" else of] = now
        return True

    def estop(self, why: str) -> None:
        """Stop the arm and keep it stopped until the next activation."""
        self.machine.estop(why)

    def step(self, now: float, missed: int = 0, driven: Driven | None = None) -> Step:
        """Return the command for this period.

        Args:
            now: steady clock [s].
            missed: consecutive periods that were missed before this one.
            driven: in shadow, what to follow: position [rad] and velocity [rad/s] of
                the driving command; the arm itself where nobody drives.
        """
        if self.shadow and self.watch.position and not self.stopping:
            measured = self.watch.position, self.watch.velocity
            self.limiter.follow(*(driven or measured))
        # Within a transition no message comes in: nothing to judge, only to brake.
        wish = None if self.stopping else self._decide(now, missed)
        self._move(wish if self.machine.state.moves else None, now)
        if self.fence and self.fence.problem:
            self.machine.update([self.fence.problem], now)
        step = self._step
        step.state, step.reason = self.machine.state, self.machine.reason
        step.age = math.inf if self.stopping else self.watch.age(now)
        step.wish, step.measured = wish or [], self.watch.position
        step.command, step.velocity = self.limiter.position, self.limiter.velocity
        self._judge(step)
        return step

    def _decide(self, now: float, missed: int) -> list[float] | None:
        """Update the state from what is wrong; return what the policy asks for."""
        problems = self._problems(now, missed)
        wish = None
        if not any(p.fault in (Fault.STALE, Fault.INVALID) for p in problems):
            wish = self._infer(problems)
        if wish and self.fence and self.machine.state is State.HOLD:
            kept = self.fence.judge(self.limiter, wish)
            problems += [kept] if kept else []
        self.machine.update(problems, now)
        return wish

    def _judge(self, step: Step) -> None:
        """Let the authority rise, or fall back if the period was trouble."""
        shifted = bool(step.wish) and self.shift.outside
        error = self._distance() if step.measured else 0.0
        if self.authority.update(self._trouble.check(step, shifted, error)):
            self._trouble.reset()

    def rehearse(self, now: float) -> None:
        """Compute what a step computes and forget it, shortly before the step.

        After milliseconds of sleep the caches hold other programs' data: a rehearsed
        step is ready in half the time. Nothing that decides is changed.
        """
        self.policy.run()
        self.watch.check(now)
        self.limiter.rehearse()
        if self.fence:
            self.fence.rehearse(self.limiter)

    def _problems(self, now: float, missed: int) -> list[Problem]:
        problems = []
        stale = self.watch.check(now)
        late = self.latency.check(self.watch.age(now))
        if stale is not None:
            problems.append(stale)
        elif self._needs_velocity and not self.watch.velocity:
            problems.append(Problem(Fault.INVALID, "joint states carry no velocity"))
        if self._invalid is not None:
            problems.append(self._invalid)
            self._invalid = None
        if missed > self.options.missed_budget:
            problems.append(Problem(Fault.MISSED, f"{missed} periods missed in a row"))
        if late is not None:
            problems.append(late)
        if stale is None:
            problems += self._tracking()
        for what, allowed in self._task_ages.items():
            if self._received[what] == -math.inf:
                problems.append(Problem(Fault.STALE, f"no {what} yet"))
            elif now - self._received[what] > allowed:
                problems.append(Problem(Fault.STALE, f"the {what} is too old"))
        return problems

    def _distance(self) -> float:
        """Return how far the arm is from its last command [rad]."""
        pairs = zip(self.limiter.position, self.watch.position, strict=True)
        return max(abs(sent - seen) for sent, seen in pairs)

    def _tracking(self) -> list[Problem]:
        worst = self._distance()
        limit = self.contract.tracking_error_limit
        if worst <= limit:
            return []
        text = f"arm is {worst:.2f} rad away from its command, allowed {limit:.2f} rad"
        return [Problem(Fault.TRACKING, text)]

    def _infer(self, problems: list[Problem]) -> list[float] | None:
        inputs = self.policy.inputs
        inputs["joint_pos"][0] = self.watch.position
        if self._needs_velocity:
            inputs["joint_vel"][0] = self.watch.velocity
        if "previous_command" in inputs:
            inputs["previous_command"][0] = self.limiter.position
        if "previous_command_vel" in inputs:
            inputs["previous_command_vel"][0] = self.limiter.velocity
        shifted = self.shift.check(inputs)
        if shifted is not None and self.options.hold_when_shifted:
            problems.append(shifted)
        start = self._timer()
        self.policy.run()
        self.inference.add(self._timer() - start)
        if not np.isfinite(self.policy.output).all():
            problems.append(Problem(Fault.OUTPUT, "the policy's output is not finite"))
            return None
        wish: list[float] = self.policy.output[0].tolist()
        return wish

    def _move(self, wish: list[float] | None, now: float) -> None:
        share = self.machine.blend(now) * self.authority.share
        if wish is not None and share < 1.0:
            last = self.limiter.position
            wish = [p + share * (w - p) for p, w in zip(last, wish, strict=True)]
        if self.fence:
            met = self.fence.step(self.limiter, wish)
        else:
            met = self.limiter.step(wish)
        self._step.limited = wish is not None and not met
        self.hits += self._step.limited
