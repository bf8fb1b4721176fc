"""The arm in MuJoCo: model, batch, randomization, tasks, environments, plants."""

from .registration import register_environments

register_environments()

__all__ = ("register_environments",)
