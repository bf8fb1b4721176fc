"""The start of a fit: gains by regression, and a payload that can always come back."""

from __future__ import annotations

import numpy as np

from forearm.calibration.initial import first_guess
from forearm.calibration.record import record_plant
from forearm.calibration.unknowns import MOMENT, SERVO, Unknowns
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")


def test_gains_are_found_where_commands_arrive_just_before_a_sample() -> None:
    # States every 10 ms: a delay of 29.8 ms puts each change into the step before one.
    spec = PlantSpec.model_validate(
        {
            "command_delay": {"mean": 0.02976},
            "sensor": {"noise": 1e-4, "velocity_noise": 2e-3},
            "payload": {"mass": 1.0},
        }
    )
    log = record_plant(ROBOT, spec, 8.0, np.random.default_rng(0))
    guess, why = first_guess(ROBOT, log)
    assert guess is not None, why
    # Taking either command alone leaves a third of the gain, and 12 or 32 ms.
    np.testing.assert_allclose(guess["kp"], ROBOT.vector("kp"), rtol=0.15)
    np.testing.assert_allclose(guess["kv"], ROBOT.vector("kv"), rtol=0.15)
    assert abs(guess["command_delay"][0] - 0.0298) < 1e-3


def test_a_payload_without_mass_has_no_moment() -> None:
    unknowns = Unknowns(ROBOT, (*SERVO, "payload_mass", MOMENT))
    vector = unknowns.center.copy()
    vector[unknowns.places[MOMENT]] = [0.1, -0.2, 0.3]
    found = unknowns.feasible(vector)
    assert (found[unknowns.places[MOMENT]] == 0.0).all()
    vector[unknowns.places["payload_mass"]] = 2.0
    np.testing.assert_array_equal(unknowns.feasible(vector), vector)
