"""Joint neutrino and gamma-ray analysis on gammapy."""

__version__ = "0.1.0"
