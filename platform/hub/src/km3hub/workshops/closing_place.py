"""What closing a workshop needs of a platform, in folders or in containers (`places.py`)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from km3hub.workshops.downloads import Download

__all__ = ["ClosingPlace"]


class ClosingPlace(Protocol):
    """A running platform. Every method raises `WorkshopError` where it fails."""

    def begin(self, name: str) -> list[Download]:
        """End logins and servers; return what is to be archived."""

    def archive(self, name: str, one: Download) -> str:
        """Archive a home; return in words what was done."""

    def require_archived(self, name: str, account: str) -> None:
        """Refuse to go on without a complete archive."""

    def erase_home(self, home: str) -> None:
        """Delete a home."""

    def remove(self, name: str, account: str) -> None:
        """Remove an account whose home is gone."""

    def finish(self, name: str, expires: datetime) -> dict[str, str]:
        """Close the workshop; return the secrets of the download links by account."""
