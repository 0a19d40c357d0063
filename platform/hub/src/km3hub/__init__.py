"""The KM3NeT platform's JupyterHub as a package."""

__version__ = "0.1.0"
