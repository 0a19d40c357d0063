"""Why the platform could not be started or stopped."""

from __future__ import annotations

__all__ = ["Failure"]


class Failure(Exception):
    """A message for the person who can act: what happened, and what to do next."""
