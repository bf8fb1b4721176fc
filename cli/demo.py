"""The demo: train, export, rehearse over ROS 2, calibrate, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from forearm.core.bundle import Bundle
from forearm.core.files import write_json

from .rehearsal import Rehearsal, isolate_ros, rehearse

Result = TypeVar("Result")

ROBOT = "ur5e"
"""The arm of the demo, whose hidden numbers stand below."""

HIDDEN_PLANT = f"""\
# An arm that differs from the simulator: what calibration has to find out.
robot: {ROBOT}
params:
  kp: [1800, 1800, 1800, 430, 430, 430]
  kv: [220, 220, 220, 29, 29, 29]
  armature: [0.8, 0.8, 0.8, 0.14, 0.14, 0.14]
friction:
  coulomb: [7.0, 6.5, 6.0, 1.6, 1.5, 1.4]
  viscous: [12.0, 11.0, 10.0, 2.2, 2.0, 1.8]
command_delay: {{mean: 0.012, jitter: 0.001}}
sensor: {{noise: 0.00005, velocity_noise: 0.001}}
seed: 3
"""
"""The plant the demo calibrates against."""


class Demo:
    """One run of the whole loop in one folder."""

    MARK = "demo.json"
    """File that marks a folder as a demo's."""

    def __init__(self, out: Path, steps: int, episodes: int, seed: int) -> None:
        """Prepare ``out``; nothing is trained yet."""
        self.out, self.steps, self.episodes, self.seed = out, steps, episodes, seed
        out.mkdir(parents=True)
        write_json(out / self.MARK, {"finished": False})
        isolate_ros(out)
        self.seconds: dict[str, float] = {}

    def run(self) -> Path:
        """Run every stage; returns the report."""
        export = self._timed("train and export", self._train)
        bundle, simulated = export.bundle, export.bundle.contract.evaluation
        nominal = self._timed("nominal plant", lambda: self._rehearse(bundle, None))
        plant = self.out / "plant.yaml"
        plant.write_text(HIDDEN_PLANT, encoding="utf-8")
        hidden = self._timed("hidden plant", lambda: self._rehearse(bundle, str(plant)))
        calibrated = self._timed("calibrate", lambda: self._calibrate(hidden))
        summary = {
            "finished": True,
            "simulation": _rate(
                simulated.success, simulated.wilson_95, simulated.episodes
            )
            if simulated
            else None,
            "ros_nominal_plant": _rehearsed(nominal),
            "ros_hidden_plant": _rehearsed(hidden),
            "simulation_inside_ros_interval": _inside(simulated.success, nominal)
            if simulated
            else None,
            "parity_max_abs_rad": export.parity.max_abs,
            "held_out_error": {
                "before": calibrated.before,
                "after": calibrated.after,
                "unit": "mrad",
            },
            "seconds": self.seconds,
            "machine_load": list(os.getloadavg()),
        }
        from .demo_report import write_demo_report

        report = write_demo_report(self.out, bundle, summary, hidden.log)
        write_json(self.out / self.MARK, summary)
        return report

    def _timed(self, name: str, stage: Callable[[], Result]) -> Result:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        result = stage()
        self.seconds[name] = round(time.monotonic() - start, 1)
        print(f"   {self.seconds[name]} s", flush=True)
        return result

    def _train(self) -> Any:
        from forearm.policies.config import TrainConfig
        from forearm.policies.export import export
        from forearm.policies.train import train

        config = TrainConfig(
            task="reach",
            robot=ROBOT,
            steps=self.steps,
            seed=self.seed,
            out=str(self.out / "run"),
        )
        result = export(train(config), self.out / "bundle")
        evaluation = result.bundle.contract.evaluation
        if evaluation:
            print(f"   success in simulation {evaluation.success:.1%}")
        return result

    def _rehearse(self, bundle: Bundle, plant: str | None) -> Rehearsal:
        folder = self.out / ("plant_hidden" if plant else "plant_nominal")
        done = rehearse(bundle, self.episodes, folder, plant=plant, record=True)
        low, high = done.wilson_95
        print(f"   success over ROS 2 {done.success:.1%} [{low:.1%}, {high:.1%}]")
        return done

    def _calibrate(self, done: Rehearsal) -> Any:
        from forearm.calibration.calibrate import calibrate
        from forearm.calibration.report import write_report
        from forearm.core.log_io import read_log
        from forearm.core.params import save_params
        from forearm.core.robots import get_robot

        robot = get_robot(ROBOT)
        result = calibrate([read_log(str(done.log), robot)], robot)
        save_params(self.out / "params.yaml", result.params)
        write_report(self.out / "calibration.html", result)
        print(f"   held-out error {result.before:.3g} -> {result.after:.3g} mrad")
        return result


def _rate(
    success: float, interval: tuple[float, float], episodes: int
) -> dict[str, Any]:
    return {"success": success, "wilson_95": list(interval), "episodes": episodes}


def _inside(rate: float, done: Rehearsal) -> bool:
    low, high = done.wilson_95
    return low <= rate <= high


def _rehearsed(done: Rehearsal) -> dict[str, Any]:
    return _rate(done.success, done.wilson_95, len(done.outcomes))
