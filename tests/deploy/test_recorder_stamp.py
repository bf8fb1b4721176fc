"""A log says when a message arrived, not when this process came to write it."""

import time
from types import SimpleNamespace
from typing import Any

from forearm.deploy.recorder import _writer


def written(info: dict[str, Any]) -> list[Any]:
    rows: list[Any] = []
    bag: Any = SimpleNamespace(write=lambda *row: rows.append(row))
    _writer(bag, "/joint_states")(b"data", info)
    return rows


def test_a_message_has_the_transports_stamp() -> None:
    assert written({"received_timestamp": 5}) == [("/joint_states", b"data", 5)]


def test_a_transport_without_stamps_leaves_the_computers_clock() -> None:
    before = time.time_ns()
    ((_, _, arrived),) = written({"received_timestamp": 0})
    assert before <= arrived <= time.time_ns()
