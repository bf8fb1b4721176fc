"""A delay on the wrong side of a sample is left, or its rivals are told."""

from __future__ import annotations

import numpy as np

from forearm.calibration.fit import Fit, Fitter
from forearm.calibration.initial import first_guess
from forearm.calibration.record import record_plant
from forearm.calibration.rollout import Rollout
from forearm.calibration.staged import ASIDE, DELAY, alone
from forearm.calibration.unknowns import MOMENT, SERVO, Unknowns
from forearm.calibration.windows import cut, noise_scales
from forearm.core.log import Floats
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")
TRUE = 0.02976
"""0.24 ms before a sample: torques bend there, as a function of the delay [s]."""


def test_a_fit_caught_behind_a_sample_sees_the_true_delay_before_it() -> None:
    spec = PlantSpec.model_validate(
        {"command_delay": {"mean": TRUE}, "payload": {"mass": 1.0}}
    )
    log = record_plant(ROBOT, spec, 4.0, np.random.default_rng(0))
    guess, why = first_guess(ROBOT, log)
    assert guess, why
    noise = noise_scales([log], ROBOT.vector("effort"))
    windows = cut(log, 1.0, 3.5, noise, 3)
    unknowns = Unknowns(ROBOT, (*SERVO, "payload_mass", MOMENT))
    rollout = Rollout(ROBOT, windows, noise, Fitter.sets(unknowns))
    fitter = Fitter(rollout, unknowns)
    late = unknowns.vector(guess[0] | {DELAY: np.array([TRUE + 6e-4])})
    found = fitter.fit([late], slopes=1, again=False)
    # The slopes alone keep it there: the true delay is beyond the bend.
    assert found.vector[unknowns.places[DELAY]][0] > 0.030
    vectors, costs = fitter.elsewhere(DELAY, np.append(-ASIDE, ASIDE))
    best = int(np.argmin(costs))
    assert costs[best] < 0
    # Delays are tried 0.2 ms apart.
    assert abs(vectors[best][unknowns.places[DELAY]][0] - TRUE) < 2e-4


class Told(Fitter):
    """A fitter whose other delays cost what is said."""

    def __init__(self, unknowns: Unknowns, costs: Floats) -> None:
        self.unknowns, self._costs = unknowns, costs

    def elsewhere(self, name: str, shifts: Floats) -> tuple[list[Floats], Floats]:
        vectors = np.repeat(self.unknowns.center[None], len(shifts), axis=0)
        vectors[:, self.unknowns.places[name].start] += shifts
        vectors[:, 0] += 100.0 * shifts
        return list(vectors), self._costs


def test_delays_that_explain_a_log_alike_are_told_and_widen_the_intervals() -> None:
    unknowns = Unknowns(ROBOT, SERVO)
    center = unknowns.center + 0.02 * (np.arange(unknowns.size) == unknowns.size - 1)
    unknowns.center = center
    known = np.ones(unknowns.size, np.bool_)
    found = Fit(center, 1e-10 * np.eye(unknowns.size), known, 0.0, 1.0)
    costs = np.full(2 * len(ASIDE), 50.0)
    same, said = alone(Told(unknowns, costs), found)
    assert not said
    np.testing.assert_array_equal(same.covariance, found.covariance)
    # 1 ms later costs half of what one standard deviation would.
    costs[len(ASIDE) + int(np.argmin(np.abs(ASIDE - 1e-3)))] = 0.25
    wide, said = alone(Told(unknowns, costs), found)
    assert "21.00 ms explains the logs as well as 20.00 ms" in said[0]
    place = unknowns.places[DELAY].start
    assert np.sqrt(wide.covariance[place, place]) > 0.99e-3
    # A gain that makes up for the delay is as uncertain as that says.
    assert np.sqrt(wide.covariance[0, 0]) > 0.099
