"""A run that widens its randomization keeps the widths through an interruption."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from forearm.cli.main import main
from forearm.policies import train as training
from forearm.policies.config import PRESETS, Preset, TrainConfig
from forearm.policies.export import _trained_delay
from forearm.policies.train import Run, resume, train
from forearm.sim.widening import Widening, WideningConfig

SEGMENT = 4096

QUICK = WideningConfig(start=0.5, step=0.1, episodes=6)
"""Untrained policies fail, so it narrows after every sixth episode."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Widening", partial(Widening, config=QUICK))
    monkeypatch.setitem(PRESETS, "ppo", Preset(steps=1, envs=16, segment=SEGMENT))


def config(out: Path) -> TrainConfig:
    steps = 2 * SEGMENT
    return TrainConfig(steps=steps, envs=16, seed=3, widen=True, out=str(out))


def cut_after_one(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    save = training.save_checkpoint

    def save_and_die(*args: Any) -> None:
        save(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train(config, quiet=True)


def shares(run: Run) -> list[float]:
    events = EventAccumulator(str(next((run.path / "tensorboard").iterdir())))
    events.Reload()
    return [e.value for e in events.Scalars("rollout/randomization_share")]


def test_it_resumes_with_the_widths_and_ends_with_the_weights_of_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config(tmp_path / "whole"), quiet=True)
    cut_after_one(config(tmp_path / "cut"), monkeypatch)
    resumed = resume(tmp_path / "cut", quiet=True)
    assert resumed.record["widening"] == whole.record["widening"]
    assert min(whole.record["widening"]["width"]) < QUICK.start
    one, other = (r.model.policy.state_dict() for r in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert shares(whole)[-1] == pytest.approx(whole.record["randomization_share"])
    width = whole.randomization().width
    assert _trained_delay(whole) == pytest.approx(
        (0.0, 0.02 * width["command_delay", "high"])
    )


def test_only_what_has_terms_widens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--widen", "--randomization", "none", "--out", str(tmp_path / "run")]
    assert main(["train", "reach", *flags]) == 2
    assert "none has no terms to widen" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    full = train(TrainConfig(steps=16, envs=16, out=str(tmp_path / "full")), quiet=True)
    assert full.randomization().width == {}
    low, high = _trained_delay(full)
    assert (low, high) == (0.0, 0.02)
