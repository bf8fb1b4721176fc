"""The demo's report: one self-contained page with numbers and a picture of the arm."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np

from forearm.core.bundle import Bundle
from forearm.core.files import write_atomic
from forearm.core.kinematics import Kinematics
from forearm.core.log_io import read_log
from forearm.core.robots import get_robot

STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:#222}table{border-collapse:collapse}"
    "td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:left}"
)


_AGREEMENT = {
    True: "The simulator's rate lies in the interval of the nominal plant over ROS 2.",
    False: "The simulator's rate lies <b>outside</b> the interval of the nominal plant "
    "over ROS 2: they do not agree.",
    None: "",
}


def write_demo_report(
    out: Path, bundle: Bundle, summary: dict[str, Any], log: Path | None
) -> Path:
    """Write ``report.html`` into ``out`` and return its path."""
    rows = "".join(
        f"<tr><td>{name}</td><td>{_percent(summary[key])}</td></tr>"
        for name, key in (
            ("simulation, nominal parameters", "simulation"),
            ("ROS 2, plant with nominal parameters", "ros_nominal_plant"),
            ("ROS 2, plant with hidden parameters", "ros_hidden_plant"),
        )
    )
    error = summary["held_out_error"]
    seconds = "".join(
        f"<tr><td>{name}</td><td>{value:.0f} s</td></tr>"
        for name, value in summary["seconds"].items()
    )
    picture = _picture(bundle.contract.robot, log) if log else ""
    robot, task = (
        html.escape(s) for s in (bundle.contract.robot, bundle.contract.task)
    )
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>forearm demo</title><style>{STYLE}</style>
<h1>{task} with the {robot}: simulation, ROS 2 and back</h1>
<h2>Success (95 % Wilson interval)</h2><table>{rows}</table>
<p>{_AGREEMENT[summary["simulation_inside_ros_interval"]]}
An episode succeeds when the tool stays within 2 cm and 0.2 rad of the target for
the last half second. Over ROS 2 plant and policy node are separate processes.</p>
<h2>ONNX against torch</h2><p>Largest difference
{summary["parity_max_abs_rad"]:.1e} rad over random inputs and closed-loop episodes.</p>
<h2>Calibration from the recorded log</h2>
<p>Held-out prediction error {error["before"]:.3g} {error["unit"]} before and
{error["after"]:.3g} {error["unit"]} after; see <a href="calibration.html">the
calibration report</a>.</p>
<h2>The arm over ROS 2, from its recorded joint states</h2>{picture}
<h2>Time</h2><table>{seconds}</table></html>"""
    write_atomic(out / "report.html", page)
    return out / "report.html"


def _percent(rate: dict[str, Any]) -> str:
    low, high = rate["wilson_95"]
    return (
        f"{rate['success']:.1%} [{low:.1%}, {high:.1%}] of {rate['episodes']} episodes"
    )


def _picture(robot_name: str, log: Path) -> str:
    """Draw the arm at a few moments and the path of its tool, in three dimensions."""
    import plotly.graph_objects as go

    robot = get_robot(robot_name)
    position = read_log(str(log), robot).position
    pose = Kinematics(robot)(position[:: max(1, len(position) // 1500)])
    figure = go.Figure()
    x, y, z = np.asarray(pose.position).T
    figure.add_scatter3d(
        x=x, y=y, z=z, mode="lines", name="tool path", line={"width": 2}
    )
    for i in np.linspace(0, len(x) - 1, 6).astype(int):
        chain = np.vstack([np.zeros(3), pose.joint_position[i], pose.position[i]])
        figure.add_scatter3d(
            x=chain[:, 0],
            y=chain[:, 1],
            z=chain[:, 2],
            mode="lines+markers",
            name=f"arm at {i / max(len(x) - 1, 1):.0%} of the log",
            line={"width": 10},
            marker={"size": 5},
        )
    axes = {f"{a}axis": {"title": f"{a} [m]"} for a in "xyz"}
    figure.update_layout(height=600, scene={"aspectmode": "data", **axes})
    return str(figure.to_html(full_html=False, include_plotlyjs=True))
