"""Inputs like training's raise no alarm, shifted ones do, with the element's name."""

import numpy as np
import pytest

from forearm.core.contract import Contract
from forearm.core.training_range import (
    PROBABILITIES,
    SERVO,
    SERVO_NEEDS,
    TrainingRange,
    servo_error,
)
from forearm.deploy.shift import ShiftWatch

LAG = 0.1


def motion(rng, steps, offset=0.0):
    """A servo that lags 0.1 s behind slow waves, with noise and an offset [rad]."""
    time = 0.02 * np.arange(steps)[:, None]
    phase, amplitude = rng.uniform(0, 6, (2, 6))
    command = 0.1 * amplitude * np.sin(time + phase)
    velocity = 0.1 * amplitude * np.cos(time + phase)
    noise = rng.normal(size=command.shape) * 0.003
    return {
        "joint_pos": command - LAG * velocity + noise + offset,
        "previous_command": command,
        "joint_vel": velocity,
    }


@pytest.fixture(scope="module")
def contract(bundle):
    rng = np.random.default_rng(0)
    rows = [motion(rng, 100) for _ in range(100)]
    values = {n: np.concatenate([r[n] for r in rows]) for n in SERVO_NEEDS}
    lag = np.full(6, LAG)
    values[SERVO] = servo_error(*(values[name] for name in SERVO_NEEDS), lag)
    quantiles = {
        name: np.quantile(value, PROBABILITIES, axis=0).T.tolist()
        for name, value in values.items()
    }
    training = TrainingRange(
        steps=10000,
        probabilities=list(PROBABILITIES),
        quantiles=quantiles,
        lag=list(lag),
    )
    return bundle.contract.model_copy(update={"training": training})


def watch(contract, **change):
    """Return a watch after 60 s of motion, and the problems it named."""
    watch, rng, problems = ShiftWatch(contract), np.random.default_rng(1), []
    for _ in range(30):
        rows = motion(rng, 100, **change)
        for k in range(100):
            found = watch.check({name: row[k][None] for name, row in rows.items()})
            problems += [found] if found else []
    return watch, problems


def test_a_nominal_run_is_outside_now_and_then_and_never_shifted(contract):
    seen, problems = watch(contract)
    assert problems == []
    # The band leaves out 2 % of a normal noise and comes back a tenth wider.
    assert 0 < seen.share < 0.1
    assert all(part < 0.02 for part in seen.worst().values())


def test_an_offset_of_one_joint_is_named_though_its_position_is_usual(contract):
    seen, problems = watch(contract, offset=np.eye(6)[2] * 0.02)
    assert len(problems) > 2000
    assert "servo_error[2] is 0.0" in problems[-1].text
    assert max(seen.worst(), key=seen.worst().get) == "servo_error[2]"


def test_a_far_input_is_a_problem_at_once(contract):
    watch, row = ShiftWatch(contract), motion(np.random.default_rng(2), 1)
    row["joint_pos"][0, 4] = 30.0
    assert "joint_pos[4]" in watch.check(row).text


@pytest.mark.parametrize(("ranges", "at_once"), [(0.9, False), (1.1, True)])
def test_one_range_beyond_training_is_far(contract, ranges, at_once):
    least, most = (contract.training.at("joint_pos", p)[4] for p in (0.0, 1.0))
    row = motion(np.random.default_rng(2), 1)
    row["joint_pos"][0, 4] = most + ranges * (most - least)
    # The servo error is as far out; here only the position counts.
    row["previous_command"][0, 4] = row["joint_pos"][0, 4]
    row["joint_vel"][0, 4] = 0.0
    assert (ShiftWatch(contract).check(row) is not None) == at_once


def band(contract, name, element):
    """The edges that count, from the quantiles: all of an input, 98 % of the servo."""
    low, high = (0.01, 0.99) if name == SERVO else (0.0, 1.0)
    return [contract.training.at(name, p)[element] for p in (low, high)]


@pytest.mark.parametrize("name", ["joint_vel", SERVO])
@pytest.mark.parametrize(("beyond", "outside"), [(0.09, False), (0.11, True)])
def test_an_element_is_outside_from_a_tenth_of_the_range_beyond(
    contract, name, beyond, outside
):
    low, high = band(contract, name, 3)
    value = high + beyond * (high - low)
    row = motion(np.random.default_rng(2), 1)
    if name == SERVO:
        row["joint_vel"][0, 3] = 0.0
        row["joint_pos"][0, 3] = 0.0
        row["previous_command"][0, 3] = value
        sign = servo_error(*(row[n] for n in SERVO_NEEDS), np.full(6, LAG))[0, 3]
        row["previous_command"][0, 3] = value * np.sign(sign * value)
    else:
        row["joint_vel"][0, 3] = value
        # Whatever the velocity is, the servo follows it.
        row["previous_command"][0, 3] = row["joint_pos"][0, 3] + LAG * value
    watch = ShiftWatch(contract)
    watch.check(row)
    counted = {e for e, n in zip(watch.elements, watch.counts, strict=True) if n}
    assert (f"{name}[3]" in counted) == outside


def test_the_smallest_and_largest_value_serve_where_there_are_no_quantiles(contract):
    inputs = [
        i.model_copy(update={"low": [-1.0] * 6, "high": [1.0] * 6})
        if i.name == "joint_pos"
        else i
        for i in contract.inputs
    ]
    bare = contract.model_copy(update={"training": None, "inputs": inputs})
    watch = ShiftWatch(bare)
    assert watch.check({"joint_pos": np.full((1, 6), 1.1)}) is None
    assert watch.counts.sum() == 0
    found = [watch.check({"joint_pos": np.full((1, 6), 1.5)}) for _ in range(60)]
    # More than half of the last second: the 35th period of 20 ms.
    assert [bool(f) for f in found].index(True) == 34
    assert Contract.model_validate(contract.model_dump()) == contract
