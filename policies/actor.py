"""Actor: a trained policy as a function from named sensors to the joint command."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from forearm.core.errors import MismatchError
from forearm.core.interface import Interface

Singles = NDArray[np.float32]


class Actor(torch.nn.Module):
    """Observation, network, squashing and command law in one module.

    Observation and command are the functions the simulator calls, traced with torch.
    """

    def __init__(self, model: BaseAlgorithm, interface: Interface) -> None:
        """Take the deterministic policy out of a PPO or SAC learner.

        Raises:
            MismatchError: the learner is of another kind.
        """
        super().__init__()
        self.interface = interface
        if isinstance(model, PPO):
            policy = model.policy
            self.network = torch.nn.Sequential(
                policy.mlp_extractor.policy_net, policy.action_net
            )
        elif isinstance(model, SAC):
            actor = model.policy.actor
            self.network = torch.nn.Sequential(
                actor.latent_pi, actor.mu, torch.nn.Tanh()
            )
        else:
            raise MismatchError("learner", type(model).__name__, "PPO or SAC")
        self.network.eval()

    def forward(self, *sensors: torch.Tensor) -> torch.Tensor:
        """Return the joint command [rad] for sensors in the interface's order."""
        named = dict(zip(self.interface.sensors, sensors, strict=True))
        action = self.network(self.interface.observe(named))
        return torch.as_tensor(self.interface.command(action, named))

    def __call__(self, *sensors: torch.Tensor) -> torch.Tensor:
        """Run the module."""
        return torch.as_tensor(super().__call__(*sensors))

    @torch.no_grad()
    def act(self, sensors: Mapping[str, Singles], observation: Singles) -> Singles:
        """Return commands [rad] (nsim, n) for the batched simulator."""
        action = self.network(torch.from_numpy(np.ascontiguousarray(observation)))
        return np.asarray(self.interface.command(action.numpy(), sensors), np.float32)
