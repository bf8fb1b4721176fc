"""The audit: proof that each randomized term changes the model and the motion.

Randomization fails silently: a scale written to the wrong field, a mass without its
inertia, a value that grows from reset to reset. Each check here has caught one of
these in some project; a term that changes nothing is an error.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forearm.core.errors import ForearmError
from forearm.core.inertia import COORDINATES
from forearm.core.robot import RobotSpec

from .disturbance import NAMES as TIMING
from .loop import ArmLoop
from .model import MIN_MASS, PAYLOAD_RADIUS, Values
from .randomization import Randomization
from .readback import READERS, Readback
from .tasks import Task
from .terms import Absolute, Additive, Term

Floats = NDArray[np.float64]

DRAWS, MOVERS, STEPS = 128, 16, 40
"""Simulations whose values are read, simulations that move, control periods."""

KS = 2.23
"""Largest Kolmogorov-Smirnov distance times sqrt(n): exceeded once in ten thousand
audits of a right sampler (Kolmogorov's limit, 2 exp(-2 KS^2))."""

SMALLEST, LARGEST = 1e-9, 1.0
"""Sane change of a joint position by one term within STEPS [rad]."""


class AuditError(ForearmError):
    """A randomized term does not do what it says."""


@dataclass(frozen=True)
class TermAudit:
    """What was found about one quantity."""

    name: str
    """Quantity."""
    declared: str
    """The term in words."""
    failures: list[str] = field(default_factory=list)
    """What is wrong; empty where all is well."""
    seen: tuple[float, float] = (0.0, 0.0)
    """Smallest and largest value in the simulations."""
    ks: float | None = None
    """Kolmogorov-Smirnov distance from the declared distribution, times sqrt(n)."""
    moved: float = 0.0
    """Largest change of a joint position through this term [rad]."""


@dataclass(frozen=True)
class Audit:
    """What was found about a randomization on one arm and task."""

    robot: str
    """Arm."""
    task: str
    """Task."""
    randomization: str
    """Preset or file."""
    terms: list[TermAudit]
    """One entry per quantity."""

    @property
    def failures(self) -> list[str]:
        """Everything that is wrong, ``quantity: what``."""
        return [f"{t.name}: {f}" for t in self.terms for f in t.failures]

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--json`` writes."""
        return {**asdict(self), "ok": not self.failures}

    def require(self) -> None:
        """Refuse to go on with a randomization that is not what it says.

        Raises:
            AuditError: some check failed.
        """
        if self.failures:
            raise AuditError(
                f"randomization {self.randomization!r} fails its audit: "
                f"{'; '.join(self.failures[:3])}; see forearm audit {self.task}"
            )


def audit(
    robot: RobotSpec,
    task: type[Task],
    randomization: Randomization,
    *,
    values: Values | None = None,
) -> Audit:
    """Check every term of ``randomization`` on ``robot`` in ``task``.

    Args:
        robot: the arm.
        task: the task whose closed loop is to be moved.
        randomization: what is checked.
        values: nominal parameter values; the robot's where missing.

    Raises:
        ForearmError: the randomization does not fit the arm.
    """
    if not randomization.quantities:
        return Audit(robot.name, task.name, randomization.name, [])
    still = ArmLoop(robot, task, DRAWS, values=values)
    movers = ArmLoop(robot, task, MOVERS, values=values, randomization=randomization)
    whole = _motion(movers, randomization)
    lines = randomization.describe()
    found = []
    for name in randomization.quantities:
        alone = _alone(randomization, name)
        term = randomization.terms.get(name)
        failures, seen, ks = _values(still, alone, name, term)
        moved = _moved(movers, randomization, name, whole)
        if not moved > SMALLEST:
            failures.append("changes nothing: the closed loop moves as without it")
        elif not moved < LARGEST:
            failures.append(f"moves a joint by {moved:.3g} rad: not sane")
        found.append(TermAudit(name, lines[name], failures, seen, ks, moved))
    return Audit(robot.name, task.name, randomization.name, found)


def _alone(randomization: Randomization, name: str) -> Randomization:
    if name in randomization.terms:
        return Randomization({name: randomization.terms[name]})
    return replace(randomization, terms={}, width={})


def _values(
    loop: ArmLoop, alone: Randomization, name: str, term: Term | None
) -> tuple[list[str], tuple[float, float], float | None]:
    """Draw values of one term and read them back from the simulations."""
    nominal, read = loop.nominal, Readback(loop.batch, loop.task.hook())
    loop.batch.set_values(
        np.arange(DRAWS), {n: np.repeat(v[None], DRAWS, 0) for n, v in nominal.items()}
    )
    loop.randomization = alone
    first, last = _resets(loop, read, name)
    failures = []
    if np.allclose(first, nominal[name], rtol=1e-12, atol=0):
        failures.append("every simulation has the nominal value")
    if not np.allclose(first, last, rtol=1e-9, atol=1e-12):
        failures.append("the same seed gives other values after more resets")
    if not np.allclose(first, loop.batch.values[name], rtol=1e-6, atol=2 * MIN_MASS):
        failures.append("the compiled model holds another value than was drawn")
    if name in READERS or name in COORDINATES:
        failures += _inertial(read, name)
    ks = None if term is None else _distance(term, nominal[name], first)
    if ks is not None and ks > KS:
        failures.append(f"drawn values do not follow {term} (KS {ks:.2f} > {KS})")
    return failures, (float(first.min()), float(first.max())), ks


def _resets(loop: ArmLoop, read: Readback, name: str) -> tuple[Floats, Floats]:
    """Return the values after one reset and, from the same seeds, after two more."""
    values = []
    for count in (1, 3):
        for _ in range(count):
            loop.seed(range(DRAWS))
            loop.reset()
        values.append(read(name).copy())
    return values[0], values[1]


def _inertial(read: Readback, name: str) -> list[str]:
    failures = []
    stale = read.stale()
    if stale:
        failures.append(f"derived constants do not follow: {', '.join(stale)}")
    if not read.physical():
        failures.append("some body has an inertia that no mass distribution has")
    mass, inertia = read.mass_ratio(), read.inertia_ratio()
    if name == "link_mass_scale" and not np.allclose(mass[..., None], inertia):
        failures.append("the inertia does not follow the mass")
    if name == "payload_mass":
        load = read.field("body_inertia")[:, read.payload]
        gyration = load / read.field("body_mass")[:, [read.payload]]
        if not np.allclose(gyration, PAYLOAD_RADIUS**2):
            failures.append("the payload's inertia does not follow its mass")
    if name in COORDINATES and np.ptp(inertia) == 0 and np.ptp(mass) == 0:
        failures.append("no link's mass or inertia has changed")
    return failures


def _distance(term: Term, nominal: Floats, values: Floats) -> float:
    """Return the KS distance times sqrt(n) of values (nsim, size) from a term."""
    if isinstance(term, Absolute):
        draws = values
    elif isinstance(term, Additive):
        draws = values - nominal
    else:
        used = nominal != 0
        draws = np.where(used, values / np.where(used, nominal, 1.0), np.nan)
    draws = draws[:, :1] if term.shared else draws
    low, high = term.distribution.support
    share = np.asarray(term.distribution.cdf(draws))
    # The values of one quantity may have ranges of their own: compare shares, which
    # are uniform whatever the distribution, where it is continuous.
    x = np.sort(share[np.isfinite(draws)].ravel())
    if len(x) == 0 or np.all(low == high):
        return 0.0
    empirical = np.searchsorted(x, x, side="right") / len(x)
    return float(np.abs(empirical - x).max() * np.sqrt(len(x)))


def _motion(loop: ArmLoop, randomization: Randomization) -> Floats:
    """Return true joint positions (STEPS, nsim, n) under a fixed feedback law."""
    loop.randomization = randomization
    loop.seed(range(MOVERS))
    loop.reset()
    # Around the true start: an encoder offset must not cancel.
    start, motion = loop.batch.joint_pos.copy(), []
    phase = np.arange(loop.interface.action_size)
    for step in range(STEPS):
        wish = 0.5 * np.sin(0.3 * step + phase)
        error = loop.sensors["joint_pos"] - start + 0.1 * loop.sensors["joint_vel"]
        action = wish - 2.0 * error[:, : len(phase)]
        loop.step(action.astype(np.float32))
        motion.append(loop.batch.joint_pos.copy())
    return np.array(motion)


def _moved(
    loop: ArmLoop, randomization: Randomization, name: str, whole: Floats
) -> float:
    """Return how far one term moves a joint, all others drawn the same [rad]."""
    if name in ("encoder_noise", "velocity_noise") and name in randomization.terms:
        # Noise takes numbers from the generator that timing would get otherwise.
        rest = {
            n: t
            for n, t in randomization.terms.items()
            if n == name
            or (n not in TIMING and t.every is None and not n.endswith("_noise"))
        }
        whole = _motion(loop, Randomization(rest))
        without = Randomization(rest, width=_shut(name))
    else:
        without = randomization.widened({**randomization.width, **_shut(name)})
    return float(np.abs(_motion(loop, without) - whole).max())


def _shut(name: str) -> dict[Any, float]:
    return {(name, "low"): 0.0, (name, "high"): 0.0}
