import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.deploy.guard import Guard

V, A, TIMEOUT, PERIOD = 2.0, 10.0, 0.1, 0.02

events = st.lists(
    st.tuples(
        st.floats(0.0, 0.3),
        st.one_of(st.none(), st.floats(allow_nan=True), st.floats(-3, 3)),
    ),
    max_size=80,
)


@given(events)
@settings(max_examples=300, deadline=None)
def test_no_sequence_of_commands_leaves_the_limits(sequence):
    guard, now, last = Guard([V], [A], TIMEOUT, PERIOD), 0.0, 0.0
    for wait, value in sequence:
        now += wait
        out = guard.tick(now) if value is None else guard.command([value], now)
        if out is None:
            continue
        assert abs(out[0]) <= V
        assert abs(out[0] - last) <= A * PERIOD * (1 + 1e-9)
        last = out[0]


def test_silence_stops_the_arm_within_the_timeout_and_the_braking_time():
    guard, now = Guard([V] * 2, [A] * 2, TIMEOUT, PERIOD), 0.0
    for _ in range(50):
        now += PERIOD
        guard.command([1.0, -2.0], now)
    assert guard.output == [1.0, -2.0]
    start = now
    while not (guard.stopping and guard.at_rest):
        now += 0.005
        guard.tick(now)
    assert now - start <= TIMEOUT + 2.0 / A + 2 * 0.005
    assert guard.timeouts == 1


def test_commands_that_keep_coming_pass_unchanged():
    guard = Guard([V], [A], TIMEOUT, PERIOD)
    wanted = 0.5 * np.sin(np.arange(100) * PERIOD)
    for k, value in enumerate(wanted, start=1):
        assert guard.tick(k * PERIOD) is None or k == 1
        assert guard.command([value], k * PERIOD) == [value]


def test_a_command_beyond_the_limit_ends_at_the_limit():
    guard = Guard([V] * 2, [A] * 2, TIMEOUT, PERIOD)
    for k in range(50):
        guard.command([5 * V, -5 * V], k * PERIOD)
    assert guard.output == [V, -V]


def test_a_malformed_command_is_not_relayed_and_does_not_count_as_life():
    guard = Guard([V], [A], TIMEOUT, PERIOD)
    guard.command([0.1], 1.0)
    assert guard.command([0.1, 0.1], 1.05) is None
    assert guard.command([float("nan")], 1.09) is None
    assert guard.tick(1.11) is not None
    assert guard.refused == 2


@pytest.mark.parametrize("guard", ["guard_node", "effort_node"])
def test_the_code_of_the_guard_loads_neither_numpy_nor_onnxruntime(guard):
    code = (
        f"import sys, forearm.deploy.{guard}\n"
        "print(sorted({'numpy', 'onnxruntime', 'onnx', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.stdout.strip(), result.stderr) == ("[]", "")
