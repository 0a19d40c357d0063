"""The settings of the KM3NeT platform, and every fact that follows from them."""

from importlib.metadata import version

__version__ = version("km3settings")
