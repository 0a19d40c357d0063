"""What the two ways to run a platform have in common: containers and local processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from km3settings.settings import Settings

__all__ = ["Backend", "Service", "Started"]


class Service(NamedTuple):
    """One service of a platform that runs."""

    address: str
    answers: bool


@dataclass(frozen=True)
class Started:
    """What people need to know about a platform that runs."""

    address: str
    data: str
    new_accounts: bool
    ran_before: bool
    portal: Service | None = None
    """The Open Data Center, if the platform has one."""
    applied: tuple[str, ...] = ()
    """What changed for a platform that was running already."""
    notes: tuple[str, ...] = ()
    """What was not applied, and how to apply it."""
    pending: tuple[str, ...] = ()
    """Environments that are not installed yet; the platform can be used without them."""


class Backend(Protocol):
    """One way to run the platform of a state folder."""

    def up(self, settings: Settings) -> Started:
        """Start what does not run yet and apply what changed; returns when the login page answers.

        Raises
        ------
        Failure
            Where that is not possible.
        """

    def down(self) -> bool:
        """Stop the hub, the proxy, the portal and users' servers; return whether any ran."""

    def runs(self) -> bool:
        """Returns whether the platform, or a part of it, is running."""

    def status(self, settings: Settings) -> dict[str, Service]:
        """Returns the services by their names for people."""

    def belongings(self) -> list[str]:
        """Returns what `clean` would delete, one line of text each."""

    def clean(self) -> None:
        """Delete everything that this way of running has made, for ever."""
