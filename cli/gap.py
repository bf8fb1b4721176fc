"""Gap: a policy on an arm that differs, before and after calibration, and the best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forearm.core.bundle import Bundle
from forearm.core.params import KINDS, make_params, save_params
from forearm.core.robots import get_robot
from forearm.policies.config import TrainConfig
from forearm.sim.plant_spec import load_plant, per_joint

from .rehearsal import isolate_ros, rehearse


class Gap:
    """Nominal policy -> log over ROS 2 -> calibrate -> retrain -> evaluate.

    The oracle is trained with the plant's own parameters, as far as a simulator has
    them: what perfect calibration would give.
    """

    def __init__(
        self, config: TrainConfig, plant: str, out: Path, *, episodes: int, record: int
    ) -> None:
        """Prepare; nothing is trained yet.

        Args:
            config: of all three trainings; ``out`` and ``params`` are set here.
            plant: file of the arm that differs.
            out: folder to create.
            episodes: of each evaluation.
            record: episodes over ROS 2 that are recorded.
        """
        self._config, self._plant, self._out = config, plant, out
        self._episodes, self._record = episodes, record
        self._robot = get_robot(config.robot)

    def run(self) -> dict[str, Any]:
        """Run every stage; returns the keys of ``--json``."""
        self._out.mkdir(parents=True)
        isolate_ros(self._out)
        bundle, nominal = self._policy("nominal", None)
        calibration = self._calibrate(bundle)
        _, calibrated = self._policy("calibrated", calibration["params_file"])
        _, oracle = self._policy("oracle", self._truth())
        room = oracle["success"] - nominal["success"]
        gained = calibrated["success"] - nominal["success"]
        return {
            "nominal": nominal,
            "calibrated": calibrated,
            "oracle": oracle,
            "gap_closed": gained / room if room > 0 else None,
            **calibration,
        }

    def _policy(self, name: str, params: str | None) -> tuple[Bundle, dict[str, Any]]:
        """Train with ``params``, export, and judge on the plant."""
        from forearm.policies.export import export
        from forearm.policies.train import train

        from .on_plant import evaluate_on_plant

        folder = self._out / name
        print(f"== {name}: train, export, evaluate on the plant", flush=True)
        config = replace(self._config, params=params, out=str(folder / "run"))
        bundle = export(train(config), folder / "bundle").bundle
        result = evaluate_on_plant(bundle, self._plant, episodes=self._episodes)
        low, high = result.wilson_95
        print(f"   success {result.success:.1%} [{low:.1%}, {high:.1%}]", flush=True)
        return bundle, result.as_dict()

    def _calibrate(self, bundle: Bundle) -> dict[str, Any]:
        """Record the nominal policy on the plant over ROS 2 and fit to the log."""
        from forearm.calibration.calibrate import calibrate
        from forearm.core.log_io import read_log

        print("== record over ROS 2, calibrate", flush=True)
        done = rehearse(
            bundle,
            self._record,
            self._out / "recording",
            plant=self._plant,
            record=True,
        )
        log = read_log(str(done.log), self._robot)
        result = calibrate([log], self._robot)
        path = self._out / "params.yaml"
        save_params(path, result.params)
        print(f"   held-out error {result.before:.3g} -> {result.after:.3g} mrad")
        return {
            "params_file": str(path),
            "log_seconds": log.duration,
            "held_out": {"before": result.before, "after": result.after},
        }

    def _truth(self) -> str:
        """Write the plant's own parameters as a params file."""
        spec = load_plant(self._plant)
        values = spec.values(self._robot, Path(self._plant).parent)
        friction, n = spec.friction, self._robot.n
        for name, given in (
            ("load_friction", friction.load_dependent),
            ("stribeck", friction.stribeck),
            ("stribeck_velocity", friction.stribeck_velocity),
            ("backlash", spec.backlash),
        ):
            own = per_joint(given, n, name)
            values[name] = np.where(own == KINDS[name].default, values[name], own)
        values["command_delay"] = values["command_delay"] + spec.command_delay.mean
        values["sensor_delay"] = values["sensor_delay"] + spec.sensor.delay
        for name in ("command_delay", "sensor_delay"):
            values[name] = values[name].clip(0.0, KINDS[name].maximum)
        path = self._out / "truth.yaml"
        save_params(path, make_params(self._robot, values))
        return str(path)
