"""Joint neutrino and gamma-ray analysis on gammapy."""

from importlib.metadata import version

__version__ = version("nugamma")
