"""What the two ways to run a platform have in common: containers and local processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from km3settings.settings import Settings

__all__ = ["Backend", "Service", "Started"]


class Service(NamedTuple):
    """One service of a running platform."""

    address: str
    answers: bool


@dataclass(frozen=True)
class Started:
    """What users need to know about a running platform."""

    address: str
    data: str
    new_accounts: bool
    ran_before: bool
    homes: str = ""
    """How the limits of homes are enforced, as a sentence; empty: there are none."""
    portal: Service | None = None
    """The Open Data Center, if the platform has one."""
    applied: tuple[str, ...] = ()
    """What changed for a platform that was running already."""
    notes: tuple[str, ...] = ()
    """What was not applied, and how to apply it."""
    pending: tuple[str, ...] = ()
    """Environments that are not installed yet; the platform can be used without them."""


class Backend(Protocol):
    """One way to run a platform: containers or local processes."""

    def up(self, settings: Settings) -> Started:
        """Start what is not running and apply changes; returns when the login page answers.

        Raises
        ------
        Failure
            If that is not possible.
        """

    def down(self) -> bool:
        """Stop the hub, the proxy, the portal and users' servers; return whether any ran."""

    def runs(self) -> bool:
        """Returns whether the platform, or a part of it, is running."""

    def status(self, settings: Settings) -> dict[str, Service]:
        """Returns the services by their display names."""

    def belongings(self) -> list[str]:
        """Returns what `clean` would delete, one line of text each."""

    def clean(self) -> None:
        """Delete permanently everything that this backend created."""
