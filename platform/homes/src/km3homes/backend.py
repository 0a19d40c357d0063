"""What every way to enforce limits has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from km3homes.place import Place, Usage

__all__ = ["Backend", "Unenforced"]


class Backend(Protocol):
    """One way to enforce limits. All calls block; one home is never in two of them at once."""

    name: str

    def is_made(self, place: Place) -> bool:
        """Returns whether the home is one of this backend already, even if it is not open."""

    def make(self, place: Place, limit: int, report: Callable[[int, int], None]) -> None:
        """Turn the home into one of this backend, keeping every file; nobody may be using it.

        Called again after a crash, it continues. `report` is called with the bytes that were
        copied and those of the whole.
        """

    def open(self, place: Place) -> None:
        """Make the files of a home accessible, and finish what a crash interrupted."""

    def limit(self, place: Place, limit: int | None) -> None:
        """Let the home contain at most `limit` bytes, even while it is in use; None: no limit."""

    def grow(self, place: Place, limit: int) -> None:
        """Prepare for a limit that cannot be set while the home is in use; nobody is using it."""

    def usage(self, place: Place) -> Usage:
        """Returns how full the home is."""

    def confine(self, place: Place) -> None:
        """Count again what users can exclude from the limit."""

    def remove(self, place: Place) -> None:
        """Remove what enforces the limit; the service then deletes the files."""


class Unenforced:
    """Homes without enforced limits."""

    name = "none"

    def is_made(self, place: Place) -> bool:
        """Returns True: there is nothing to prepare."""
        return True

    def make(self, place: Place, limit: int, report: Callable[[int, int], None]) -> None:
        """Do nothing."""

    def open(self, place: Place) -> None:
        """Do nothing."""

    def limit(self, place: Place, limit: int | None) -> None:
        """Do nothing."""

    def grow(self, place: Place, limit: int) -> None:
        """Do nothing."""

    def usage(self, place: Place) -> Usage:
        """Returns no limit; the use is not measured, which would take long."""
        return Usage(0, None)

    def confine(self, place: Place) -> None:
        """Do nothing."""

    def remove(self, place: Place) -> None:
        """Do nothing."""
