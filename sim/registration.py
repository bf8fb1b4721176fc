"""Names under which ``gymnasium.make`` finds the environments.

``import forearm.sim`` registers them, as gymnasium's users expect of a package with
environments: gymnasium 1.4 no longer looks for installed ones by itself.
"""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import register, registry

TASK_NAMES = ("reach", "track", "push", "pick_place", "insert")
"""Tasks with an environment; held against the tasks by a test, so that registering
stays cheap."""


GOAL_NAMES = ("reach", "push", "pick_place")
"""Those with a goal-conditioned environment beside it."""


def _title(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "forearm/Lattice-v0": {
        "entry_point": "forearm.sim.lattice:LatticeEnv",
        "max_episode_steps": 50,
    },
    **{
        f"forearm/{_title(name)}-v0": {
            "entry_point": "forearm.sim.env:ArmEnv",
            "vector_entry_point": "forearm.sim.vector_env:ArmVectorEnv",
            "kwargs": {"task": name},
        }
        for name in TASK_NAMES
    },
    **{
        f"forearm/{_title(name)}Goal-v0": {
            "entry_point": "forearm.sim.goal_env:ArmGoalEnv",
            "kwargs": {"task": name},
        }
        for name in GOAL_NAMES
    },
}
"""Arguments of ``gymnasium.register`` by environment id."""


def register_environments() -> None:
    """Register every environment once; a second call changes nothing."""
    for name, arguments in ENVIRONMENTS.items():
        if name not in registry:
            register(id=name, **arguments)
