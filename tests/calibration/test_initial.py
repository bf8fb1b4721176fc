"""The start of a fit: gains by regression, and a payload that can always come back."""

from __future__ import annotations

import numpy as np

from forearm.calibration.initial import first_guess
from forearm.calibration.record import record_plant
from forearm.calibration.unknowns import MOMENT, SERVO, Unknowns
from forearm.core.log import Floats
from forearm.core.robots import get_robot
from forearm.sim.plant_spec import PlantSpec

ROBOT = get_robot("ur5e")


def guesses(delay: float) -> list[dict[str, Floats]]:
    """Return the guesses from a log of a loaded arm, states every 10 ms."""
    spec = PlantSpec.model_validate(
        {
            "command_delay": {"mean": delay},
            "sensor": {"noise": 1e-4, "velocity_noise": 2e-3},
            "payload": {"mass": 1.0},
        }
    )
    log = record_plant(ROBOT, spec, 8.0, np.random.default_rng(0))
    found, why = first_guess(ROBOT, log)
    assert found, why
    return found


def test_gains_are_found_where_commands_arrive_just_before_a_sample() -> None:
    # A delay of 29.76 ms puts each change into the physics step before a sample.
    found = guesses(0.02976)
    # Taking either command alone leaves a third of the gain, and 12 or 32 ms.
    np.testing.assert_allclose(found[0]["kp"], ROBOT.vector("kp"), rtol=0.15)
    np.testing.assert_allclose(found[0]["kv"], ROBOT.vector("kv"), rtol=0.15)
    # Any guess on the other side of the sample, 0.24 ms on, leads the fit astray.
    for guess in found:
        assert abs(guess["command_delay"][0] - 0.02976) < 2e-4


def test_delays_between_two_samples_are_all_tried_and_none_beyond() -> None:
    # Torques of samples at 20 and 30 ms do not tell when between them they changed.
    delays = [float(guess["command_delay"][0]) for guess in guesses(0.0213)]
    assert 0.0199 < min(delays) < 0.0204
    assert 0.0286 < max(delays) < 0.0301
    assert np.diff(np.sort(delays)).max() < 6e-4
    # The middle comes first: nothing is known that would make it another.
    assert abs(delays[0] - 0.0245) < 5e-4


def test_a_payload_without_mass_has_no_moment() -> None:
    unknowns = Unknowns(ROBOT, (*SERVO, "payload_mass", MOMENT))
    vector = unknowns.center.copy()
    vector[unknowns.places[MOMENT]] = [0.1, -0.2, 0.3]
    found = unknowns.feasible(vector)
    assert (found[unknowns.places[MOMENT]] == 0.0).all()
    vector[unknowns.places["payload_mass"]] = 2.0
    np.testing.assert_array_equal(unknowns.feasible(vector), vector)
