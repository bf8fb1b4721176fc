"""Named randomizations: none, light, wide, harsh."""

from __future__ import annotations

from forearm.core.inertia import COORDINATES

from .distributions import LogUniform, Uniform
from .randomization import Randomization
from .terms import Absolute, Multiplicative, Term

NOISE: dict[str, Term] = {
    "encoder_noise": Absolute(Uniform(0.0, 2e-4), shared=True),
    "velocity_noise": Absolute(Uniform(0.0, 5e-3), shared=True),
}
"""Joint sensors as industrial arms have them: a 17 to 20 bit encoder, a velocity
differentiated from it."""

LIGHT: dict[str, Term] = {
    "link_mass_scale": Multiplicative(Uniform(0.95, 1.05)),
    "payload_mass": Absolute(Uniform(0.0, 0.5)),
    "armature": Multiplicative(Uniform(0.8, 1.2)),
    "viscous": Multiplicative(Uniform(0.5, 1.5)),
    "coulomb": Multiplicative(Uniform(0.5, 1.5)),
    "kp": Multiplicative(Uniform(0.9, 1.1)),
    "kv": Multiplicative(Uniform(0.9, 1.1)),
    "command_delay": Absolute(Uniform(0.0, 0.02)),
    "sensor_delay": Absolute(Uniform(0.0, 0.01)),
    **NOISE,
}

WIDE: dict[str, Term] = {
    "link_mass_scale": Multiplicative(Uniform(0.85, 1.15)),
    "payload_mass": Absolute(Uniform(0.0, 2.0)),
    "payload_com": Absolute(Uniform(-0.05, 0.05)),
    "armature": Multiplicative(LogUniform(0.5, 2.0)),
    "viscous": Multiplicative(Uniform(0.2, 3.0)),
    "coulomb": Multiplicative(Uniform(0.2, 3.0)),
    "kp": Multiplicative(Uniform(0.7, 1.3)),
    "kv": Multiplicative(Uniform(0.7, 1.3)),
    "torque_scale": Multiplicative(Uniform(0.9, 1.1)),
    "command_delay": Absolute(Uniform(0.0, 0.06)),
    "sensor_delay": Absolute(Uniform(0.0, 0.03)),
    "encoder_offset": Absolute(Uniform(-2e-3, 2e-3)),
    "base_tilt": Absolute(Uniform(-0.02, 0.02)),
    **NOISE,
}

HARSH: dict[str, Term] = {
    **WIDE,
    # A link's mass is spread 10 % wider or narrower, its centre 2 % of that away.
    **{name: Absolute(Uniform(-0.1, 0.1)) for name in COORDINATES[:3]},
    **{name: Absolute(Uniform(-0.02, 0.02)) for name in COORDINATES[7:]},
    "load_friction": Absolute(Uniform(0.0, 0.1)),
    "stribeck": Absolute(Uniform(0.0, 1.0)),
    "stribeck_velocity": Absolute(Uniform(0.05, 0.2)),
    "backlash": Absolute(Uniform(0.0, 2e-3)),
    "encoder_step": Absolute(Uniform(0.0, 5e-4)),
    "command_jitter": Absolute(Uniform(0.0, 4e-3)),
    "command_drop": Absolute(Uniform(0.0, 0.02)),
    "period_jitter": Absolute(Uniform(0.0, 0.1)),
    "push_force": Absolute(Uniform(-10.0, 10.0), every=1.0),
}

PRESETS: dict[str, Randomization] = {
    "none": Randomization(name="none"),
    "light": Randomization(LIGHT, name="light"),
    "wide": Randomization(WIDE, name="wide"),
    "harsh": Randomization(HARSH, name="harsh"),
}
"""``none``; ``light`` for a known arm, ``wide`` for an unknown one, ``harsh`` for
everything that can go wrong at once."""
