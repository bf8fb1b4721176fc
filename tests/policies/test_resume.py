"""An interrupted run, resumed, is the run that was never interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from forearm.cli.main import main
from forearm.core.errors import FileError
from forearm.policies import algorithms
from forearm.policies import train as training
from forearm.policies.config import PRESETS, Preset, TrainConfig
from forearm.policies.train import load_run, resume, train

SHORT = {"ppo": 1024, "sac": 512}
"""Steps of a segment."""


def weights(run):
    return run.model.policy.state_dict()


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def short(monkeypatch):
    for algo, segment in SHORT.items():
        monkeypatch.setitem(PRESETS, algo, Preset(steps=1, envs=16, segment=segment))
    # SAC learns a little before its second segment ends.
    monkeypatch.setattr(algorithms, "WARM_UP", 900)


def config(algo, out, seed=3):
    steps = 3 * SHORT[algo]
    return TrainConfig(algo=algo, steps=steps, envs=16, seed=seed, out=str(out))


@pytest.mark.usefixtures("short")
def test_a_resumed_run_ends_with_the_weights_of_one_never_interrupted(
    tmp_path, monkeypatch
):
    """SAC, whose replay buffer is resumed too; PPO is the next test's."""
    algo = "sac"
    whole = train(config(algo, tmp_path / "whole"), quiet=True)
    save, calls = training.save_checkpoint, []

    def save_and_die(*args):
        save(*args)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_checkpoint", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        train(config(algo, tmp_path / "cut"), quiet=True)
    monkeypatch.setattr(training, "save_checkpoint", save)
    with pytest.raises(FileError, match="has not finished"):
        load_run(tmp_path / "cut")
    resumed = resume(tmp_path / "cut", quiet=True)
    assert resumed.record["env_steps"] == whole.record["env_steps"] == 3 * SHORT[algo]
    assert same(weights(whole), weights(resumed))
    other = train(config(algo, tmp_path / "other", seed=4), quiet=True)
    assert not same(weights(whole), weights(other))
    assert not (tmp_path / "cut" / "checkpoints").exists()


@pytest.mark.usefixtures("short")
def test_a_run_killed_in_the_middle_of_a_segment_goes_on_from_its_checkpoint(tmp_path):
    segment = SHORT["ppo"]
    code = (
        "import sys; from forearm.policies import config;"
        f"config.PRESETS['ppo'] = config.Preset(steps=1, envs=16, segment={segment});"
        "from forearm.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    flags = ["--steps", str(5 * segment), "--envs", "16", "--episodes", "4"]
    cut = ["train", "reach", *flags, "--out", str(tmp_path / "cut")]
    command = [sys.executable, "-c", code, *cut]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        seen = tmp_path / "cut" / "checkpoints" / "000001"
        while not seen.exists() and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "cut" / "model.zip").exists()
    assert main(["train", "--resume", str(tmp_path / "cut")]) == 0
    assert main(["train", "reach", *flags, "--out", str(tmp_path / "whole")]) == 0
    assert same(*(weights(load_run(tmp_path / name)) for name in ("whole", "cut")))


@pytest.mark.usefixtures("short")
def test_what_cannot_be_resumed_is_refused_in_one_sentence(tmp_path, capsys):
    train(config("ppo", tmp_path / "done"), quiet=True)
    assert main(["train", "--resume", str(tmp_path / "done")]) == 2
    assert "has finished" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path / "nothing")]) == 2
    assert "is not a training run" in capsys.readouterr().err
    assert main(["train"]) == 2
    assert "needs either a task" in capsys.readouterr().err
    assert main(["train", "reach", "--resume", str(tmp_path / "done")]) == 2
    shutil.rmtree(tmp_path / "done" / "tensorboard")
    assert main(["train", "reach", "--out", str(tmp_path / "done")]) == 2
    assert "already holds a training run" in capsys.readouterr().err
