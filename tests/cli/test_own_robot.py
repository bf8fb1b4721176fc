"""A user's own arm through every command, from training to the robot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from forearm.cli.main import main
from forearm.cli.on_plant import evaluate_on_plant
from forearm.core.bundle import load_bundle
from forearm.core.robots import OWN
from forearm.policies import train as training

SHORT = ["--episodes", "4"]

ROBOT_SIDE = """
import sys
for name in ("mujoco", "torch", "gymnasium", "scipy"):
    sys.modules[name] = None
from forearm.core.bundle import load_bundle
from forearm.deploy.runtime import Runtime
bundle = load_bundle(sys.argv[1])
runtime = Runtime(bundle)
print(bundle.contract.arm.joint_names[-1], bundle.contract.arm.ros.joint_states)
"""


@pytest.fixture
def run(tmp_path: Path, pusher_flags: list[str]) -> Path:
    """A training run of the arm, cut off before its end and resumed without flags."""
    out, save = tmp_path / "run", training.save_checkpoint

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    flags = ["--steps", "512", "--envs", "8", "--out", str(out), *SHORT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "save_checkpoint", die)
        assert main(["train", "reach", *pusher_flags, *flags]) == 130
    assert training.save_checkpoint is save
    OWN.clear()
    assert main(["train", "--resume", str(out), *SHORT]) == 0
    OWN.clear()
    return out


@pytest.mark.slow
def test_it_is_trained_exported_evaluated_and_run_on_a_plant(
    run: Path,
    pusher_flags: list[str],
    tmp_path: Path,
    keys: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, result = tmp_path / "bundle", tmp_path / "result.json"
    signed = ["--sign", str(keys[0])]
    assert main(["export", str(run), "--out", str(path), *SHORT, *signed]) == 0
    OWN.clear()
    arm = load_bundle(path, keys[1]).contract.arm
    assert (arm.name, arm.asset, arm.sources["model"]) == (
        "pusher",
        "",
        "pusher_v5.xml",
    )
    capsys.readouterr()
    assert main(["evaluate", str(path), *SHORT]) == 2
    assert "give --model and --spec" in capsys.readouterr().err
    flags = [*pusher_flags, *SHORT, "--json", str(result)]
    assert main(["evaluate", str(path), *flags]) == 0
    simulated = json.loads(result.read_text())["reward_mean"]
    plant = evaluate_on_plant(load_bundle(path), None, episodes=4)
    # The plant is a simulator of its own: the same arm to a few percent.
    assert plant.reward_mean == pytest.approx(simulated, rel=0.05)
    spec = Path(pusher_flags[3])
    spec.write_text(spec.read_text().replace("kp: 200.0", "kp: 300.0"))
    OWN.clear()
    assert main(["evaluate", str(path), *flags]) == 2
    assert "of the arm of the bundle" in capsys.readouterr().err
    robot_side(path)


def robot_side(path: Path) -> None:
    """The bundle alone is enough where there is no simulator."""
    command = [sys.executable, "-c", ROBOT_SIDE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["r_wrist_roll_joint", "joint_states"], done.stderr


def test_an_arm_named_twice_or_not_at_all_is_one_sentence(
    pusher_flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for command, said in (
        (["audit", "reach", "--robot", "panda", *pusher_flags], "got panda, expected"),
        (["plant"], "which arm? give --robot NAME"),
        (["calibrate", "log.csv", "--out", "p.yaml"], "which arm?"),
        (["discrete", "lattice", *pusher_flags[2:]], "go together"),
    ):
        assert main(command) == 2
        assert said in capsys.readouterr().err


def test_a_plant_of_it_follows_its_servos(pusher_flags: list[str]) -> None:
    from forearm.sim.plant import Plant
    from forearm.sim.plant_spec import PlantSpec
    from forearm.sim.user_robot import load_robot

    robot = load_robot(pusher_flags[1], pusher_flags[3])
    plant = Plant(robot, PlantSpec())
    goal = robot.home + 0.2
    plant.command(goal)
    plant.advance(2.0)
    # Coulomb friction of 0.5 Nm stops a servo of 200 Nm/rad within 2.5 mrad.
    assert np.abs(plant.joint_pos - goal).max() < 4e-3
