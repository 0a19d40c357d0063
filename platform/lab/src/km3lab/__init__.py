"""What runs inside a user's server: its start, tutorials, landing page, notices, memory watch."""

__version__ = "0.1.0"
