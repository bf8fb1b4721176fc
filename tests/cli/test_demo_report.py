"""The demo's page says what came out, also where simulator and plant disagree."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from forearm.cli.demo import _inside
from forearm.cli.demo_report import write_demo_report
from forearm.cli.rehearsal import Rehearsal

RATE = {"success": 0.9, "wilson_95": [0.7, 0.97], "episodes": 20}


@pytest.mark.parametrize(("agree", "said"), [(True, "lies in"), (False, "outside")])
def test_the_report_says_whether_simulator_and_plant_agree(tmp_path, agree, said):
    summary = {
        "simulation": RATE,
        "ros_nominal_plant": RATE,
        "ros_hidden_plant": RATE,
        "simulation_inside_ros_interval": agree,
        "parity_max_abs_rad": 1.5e-6,
        "held_out_error": {"before": 14.0, "after": 1.0, "unit": "mrad"},
        "seconds": {"train": 300.0},
    }
    bundle = SimpleNamespace(contract=SimpleNamespace(robot="ur5e", task="reach"))
    page = write_demo_report(tmp_path, bundle, summary, None).read_text()
    assert said in page
    assert "90.0% [70.0%, 97.0%] of 20 episodes" in page
    assert "1.5e-06 rad" in page


def test_a_rate_is_inside_an_interval_or_it_is_not():
    outcomes = [SimpleNamespace(success=i < 18) for i in range(20)]
    done = Rehearsal(18, outcomes, None)
    assert _inside(0.97, done)
    assert not _inside(0.99, done)
    assert not _inside(0.5, done)
