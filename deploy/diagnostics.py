"""Diagnostics: what the node says about itself once a second (REP 107)."""

from __future__ import annotations

import math
from typing import Any

from forearm.core.histogram import Histogram
from forearm.core.timing import TimingRecord

from .control import ControlLoop
from .fence import Fence
from .runtime import Runtime
from .shadow import Shadow
from .shift import ShiftWatch
from .state_machine import State


def status_fields(runtime: Runtime | None, loop: ControlLoop | None) -> dict[str, str]:
    """Return every figure by name, in words for people."""
    if runtime is None or loop is None:
        return {"state": "inactive"}
    timing, period = loop.timing, runtime.contract.control_dt
    state = runtime.machine.state
    ticks = max(timing.ticks + timing.missed, 1)
    fields = {
        "state": state.value if loop.alive else "dead",
        "reason": runtime.machine.reason,
        "rate_hz": f"{timing.rate.read(timing.ticks):.2f}",
        "nominal_hz": f"{1 / period:g}",
        "ticks": str(timing.ticks),
        "missed": str(timing.missed),
        "missed_percent": f"{100 * timing.missed / ticks:.3f}",
        "limiter_hits": str(runtime.hits),
        **_fence(runtime.fence),
        "authority": f"{runtime.authority.share:g}",
        "authority_requested": f"{runtime.authority.requested:g}",
        "authority_safe": f"{runtime.authority.safe:g}",
        "authority_fell_back": runtime.authority.reason,
        **_shift(runtime.shift),
        "realtime": timing.realtime,
        "policy_sha256": runtime.contract.sha256.get("policy.onnx", ""),
    }
    for name, histogram in _measured(runtime, loop).items():
        fields.update(_quantiles(name, histogram))
    fields.update(_difference(loop.shadow))
    fields.update({f"states_{k}": str(v) for k, v in runtime.watch.counts.items()})
    return fields


def _fence(fence: Fence | None) -> dict[str, str]:
    if fence is None:
        return {}
    return {
        "workspace_refusals": str(fence.refused),
        # Nothing has been looked at before the policy first drives.
        "workspace_margin_mm": (
            f"{1e3 * fence.margin:.0f}" if math.isfinite(fence.margin) else ""
        ),
    }


def _difference(shadow: Shadow | None) -> dict[str, str]:
    """Return how far the policy is from who drives, in shadow."""
    if shadow is None:
        return {}
    fields = {"driving": shadow.topic, "driving_refused": str(shadow.refused)}
    for joint, difference in shadow.differences().items():
        found = difference.summary()
        fields["driving_compared"] = str(found["count"])
        for name in ("rms", "p99", "max"):
            fields[f"difference_{joint}_{name}_rad"] = f"{found[name]:.6f}"
    return fields


def timing_record(runtime: Runtime, loop: ControlLoop) -> TimingRecord:
    """Return everything measured since the loop was started, for the log."""
    timing = loop.timing
    histograms = _measured(runtime, loop).items()
    return TimingRecord(
        run=timing.run,
        control_dt=runtime.contract.control_dt,
        ticks=timing.ticks,
        missed=timing.missed,
        other_clock=timing.other_clock,
        histograms={name: h.content() for name, h in histograms},
        driving=loop.shadow.topic if loop.shadow else "",
        differences=loop.shadow.differences() if loop.shadow else {},
    )


def _measured(runtime: Runtime, loop: ControlLoop) -> dict[str, Histogram]:
    """Return the histograms by the names of ``forearm.core.timing.MEASURED``."""
    timing = loop.timing
    return {
        "lateness": timing.lateness,
        "sensor_age": timing.sensor_age,
        "state_age": timing.age,
        "inference": runtime.inference,
        "work": timing.work,
        "publish": timing.publish,
        "command": timing.command,
    }


def _shift(shift: ShiftWatch) -> dict[str, str]:
    """Return the share of time outside training, shifted, and of the worst elements."""
    most = [f"{name} {100 * part:.1f} %" for name, part in shift.worst().items()]
    shifted = 100 * shift.shifted / max(shift.checked, 1)
    return {
        "outside_percent": f"{100 * shift.share:.2f}",
        "shifted_percent": f"{shifted:.2f}",
        "outside_most": ", ".join(most),
    }


def _quantiles(name: str, histogram: Histogram) -> dict[str, str]:
    return {
        f"{name}_p50_us": f"{histogram.quantile(0.5) * 1e6:.0f}",
        f"{name}_p99_us": f"{histogram.quantile(0.99) * 1e6:.0f}",
        f"{name}_max_us": f"{histogram.maximum * 1e6:.0f}",
    }


def diagnostic_array(stamp: Any, name: str, fields: dict[str, str]) -> Any:
    """Return a ``DiagnosticArray`` with one status."""
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

    levels = {
        State.RUN.value: DiagnosticStatus.OK,
        State.RAMP_IN.value: DiagnosticStatus.OK,
        "inactive": DiagnosticStatus.OK,
        State.HOLD.value: DiagnosticStatus.WARN,
    }
    status = DiagnosticStatus(
        level=levels.get(fields["state"], DiagnosticStatus.ERROR),
        name=f"{name}: policy",
        message=fields.get("reason") or fields["state"],
        hardware_id=name,
        values=[KeyValue(key=k, value=v) for k, v in fields.items()],
    )
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array
