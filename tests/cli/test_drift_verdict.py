"""Whether a drifted arm needs a new policy: by episodes in pairs, not by chance."""

import pytest

from forearm.cli.drift_command import _judge
from forearm.core.robots import get_robot
from forearm.policies.evaluate import Evaluation


@pytest.mark.parametrize(
    ("failing", "verdict"),
    [
        (0, "1.00 [0.98, 1.00]: keep (0 episodes lost, 0 gained)"),
        # The old rate lies outside the new interval, and yet it is chance.
        (1, "0.99 [0.97, 1.00]: keep (1 episodes lost, 0 gained)"),
        (4, "0.98 [0.95, 0.99]: keep (4 episodes lost, 0 gained)"),
        (5, "0.97 [0.94, 0.99]: retrain (5 episodes lost, 0 gained)"),
    ],
)
def test_a_few_lost_episodes_are_chance(
    failing: int,
    verdict: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scripted(*_: object, episodes: int, values: dict[str, bool]) -> Evaluation:
        good = tuple(k >= failing or not values["new"] for k in range(episodes))
        return Evaluation(episodes, sum(good), 1.0, 0, outcomes=good)

    monkeypatch.setattr("forearm.policies.evaluate.evaluate", scripted)
    policy = (get_robot("ur5e"), object(), object())
    _judge(policy, 200, {"new": False}, {"new": True})  # type: ignore[dict-item]
    assert capsys.readouterr().out.strip() == f"success 1.00 -> {verdict}"
