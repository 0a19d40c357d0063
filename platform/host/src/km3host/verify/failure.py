"""The result of a check that found something wrong."""

from __future__ import annotations

__all__ = ["CheckFailed"]


class CheckFailed(Exception):
    """A check failed; the message says what is wrong and what to do."""
