"""What runs inside a user's server: its start, tutorials, landing page, notices, memory watch."""

from importlib.metadata import version

__version__ = version("km3lab")
