"""The KM3NeT platform's JupyterHub as a package."""

from importlib.metadata import version

__version__ = version("km3hub")
