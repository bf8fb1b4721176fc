"""forearm: a robot arm from simulation to the real machine and back."""

from importlib.metadata import version

__version__ = version("forearm")

__all__ = ("__version__",)
