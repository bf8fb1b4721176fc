"""Names under which ``gymnasium.make`` finds the environments.

``import forearm.sim`` registers them, as gymnasium's users expect of a package with
environments: gymnasium 1.4 no longer looks for installed ones by itself.
"""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import register, registry

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "forearm/Lattice-v0": {
        "entry_point": "forearm.sim.lattice:LatticeEnv",
        "max_episode_steps": 50,
    },
    "forearm/Reach-v0": {
        "entry_point": "forearm.sim.env:ArmEnv",
        "vector_entry_point": "forearm.sim.vector_env:ArmVectorEnv",
        "kwargs": {"task": "reach"},
    },
}
"""Arguments of ``gymnasium.register`` by environment id."""


def register_environments() -> None:
    """Register every environment once; a second call changes nothing."""
    for name, arguments in ENVIRONMENTS.items():
        if name not in registry:
            register(id=name, **arguments)
