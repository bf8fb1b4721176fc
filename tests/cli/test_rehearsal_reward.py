"""What a rehearsal over ROS 2 says of rewards, from what each judge told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from forearm.cli.evaluate_command import say_baselines
from forearm.cli.rehearsal import Rehearsal


def outcome(**told: Any) -> Any:
    return SimpleNamespace(success=False, **told)


def test_the_reward_is_the_mean_of_what_the_plant_counted() -> None:
    judged = [outcome(reward=1.0), outcome(reward=4.0)]
    assert Rehearsal(0, judged, None).reward_mean == 2.5


def test_episodes_judged_from_joint_states_have_no_reward() -> None:
    assert Rehearsal(0, [outcome(), outcome()], None).reward_mean is None


def test_failures_with_a_high_reward_are_not_denied_where_nobody_looked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_baselines({"reward_mean": 1.5})
    assert capsys.readouterr().out == "mean reward 1.5\n"
