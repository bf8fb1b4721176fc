"""Params from a fit: values, widths, covariance and where each comes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from forearm.core.log import Floats, RunLog
from forearm.core.params import Covariance, Params, Provenance, make_params

from .joint_gate import Flags
from .staged import Staged


def params_of(
    staged: Staged,
    vector: Floats,
    known: Flags,
    logs: list[RunLog],
    notes: dict[str, Any],
) -> Params:
    """Return params: what is known as measured, the rest as a guess of prior width.

    Widths are those of the fit of one more log of the same kind: its own scatter comes
    on top of that of these logs.
    """
    unknowns, robot = staged.unknowns, staged.unknowns.robot
    more = 1.0 + 1.0 / len(logs)
    covariance = np.diag(unknowns.prior**2)
    part = np.ix_(known, known)
    covariance[part] = more * staged.found.covariance[part]
    labels, slopes = unknowns.natural(vector)
    matrix = slopes @ covariance @ slopes.T
    width = np.sqrt(np.diag(matrix))
    values = unknowns.values(vector)
    origin: dict[str, Provenance | list[Provenance]] = {}
    std: dict[str, Any] = {}
    for name in values:
        rows = [i for i, label in enumerate(labels) if label.startswith(f"{name}[")]
        origin[name] = ["measured" if known[i] else "guess" for i in rows]
        std[name] = width[rows]
    for name, noise in zip(
        ("encoder_noise", "velocity_noise"), staged.scales[:2], strict=True
    ):
        if name == "encoder_noise" or len(logs[0].velocity):
            values[name], origin[name] = noise, "measured"
    _add_sensor_delay(logs, values, origin, std)
    symmetric = 0.5 * (matrix + matrix.T)[part]
    names = [label for label, k in zip(labels, known, strict=True) if k]
    rows = symmetric.tolist()
    joint = Covariance(names=names, matrix=rows) if names else None
    return make_params(
        robot,
        values,
        origin,
        std,
        covariance=joint,
        notes=notes,
    )


def _add_sensor_delay(
    logs: list[RunLog],
    values: dict[str, Floats],
    origin: dict[str, Provenance | list[Provenance]],
    std: dict[str, Any],
) -> None:
    ages = [log.meta.get("state_age") for log in logs]
    if all(isinstance(age, float) for age in ages):
        # Stamped where measured, so reception alone tells the sensors' delay.
        values["sensor_delay"] = np.array([np.mean(np.array(ages, np.float64))])
        origin["sensor_delay"] = "measured"
        scatter = [float(log.meta.get("state_age_std", 0.0)) for log in logs]
        std["sensor_delay"] = np.array([max(scatter)])
