"""Where a workshop's homes are: on this machine, or in the volumes of containers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from km3hub.membership.names import WorkshopError
from km3hub.privacy.places import Containers
from km3hub.privacy.places import Here as Machine
from km3hub.privacy.record import RecordError
from km3hub.workshops.closing import Closing
from km3hub.workshops.downloads import Download
from km3hub.workshops.personal import WorkshopRecords

__all__ = ["Here", "InContainers", "summary"]

#: The state folder in the hub's container.
_STATE = "/srv/km3hub"


def summary(files: int | None, size: int) -> str:
    """Returns in words what became of a home."""
    if files is None:
        return "had no home, removed"
    return f"{files} files, archive of {size / 2**20:.1f} MB, removed"


@dataclass(frozen=True)
class Here:
    """An embedded platform: homes are folders."""

    closing: Closing
    hub: str
    """The address of the hub's pages."""

    def begin(self, name: str) -> list[Download]:
        """End logins and servers; return what is to be archived."""
        return self.closing.begin(name, self.hub)

    def archive(self, name: str, one: Download) -> str:
        """Archive a home; return in words what was done."""
        folder: Path | None = self.closing.state.homes / one.home
        if folder is not None and (folder.is_symlink() or not folder.is_dir()):
            folder = None
        done = self.closing.archive(name, one.account, folder, lambda _: None)
        return summary(done.files if done else None, done.bytes if done else 0)

    def require_archived(self, name: str, account: str) -> None:
        """Refuse to go on without a complete archive."""
        self.closing.require_archived(name, account)

    def erase_home(self, home: str) -> None:
        """Delete a home."""
        try:
            state = self.closing.state
            Machine(state, WorkshopRecords(state), self.hub).erase_home(home)
        except RecordError as error:
            raise WorkshopError(str(error)) from None

    def remove(self, name: str, account: str) -> None:
        """Remove an account whose home is gone."""
        self.closing.remove(name, account)

    def finish(self, name: str, expires: datetime) -> dict[str, str]:
        """Close the workshop; return the secrets of the download links by account."""
        return self.closing.finish(name, expires)


class InContainers:
    """A platform in containers: homes are volumes. Needs the right to use Docker.

    Parameters
    ----------
    hub
        The name of the hub's container.
    """

    def __init__(self, hub: str) -> None:
        try:
            self._containers = Containers(hub)
        except RecordError as error:
            raise WorkshopError(str(error)) from None

    def described(self, name: str) -> dict[str, Any]:
        """Returns what `km3hub workshop show --json` prints of a workshop."""
        known: dict[str, Any] = json.loads(self._hub("show", name, "--json"))
        return known

    def begin(self, name: str) -> list[Download]:
        """End logins and servers; return what is to be archived."""
        found = json.loads(self._hub("begin-close", name))
        return [Download(**{**one, "expires": None}) for one in found]

    def archive(self, name: str, one: Download) -> str:
        """Archive a home; return in words what was done."""
        command = ("workshop", "archive-home", name, one.account)
        try:
            said = self._containers.read_home(one.home, [*command, "--home=/home/km3"], _STATE)
        except RecordError as error:
            raise WorkshopError(str(error)) from None
        # Without a volume here; the hub knows whether there is one elsewhere.
        return (said if said is not None else self._hub("archive-home", name, one.account)).strip()

    def require_archived(self, name: str, account: str) -> None:
        """Refuse to go on without a complete archive."""
        self._hub("require-archived", name, account)

    def erase_home(self, home: str) -> None:
        """Delete a home."""
        try:
            self._containers.erase_home(home)
        except RecordError as error:
            raise WorkshopError(str(error)) from None

    def remove(self, name: str, account: str) -> None:
        """Remove an account whose home is gone."""
        self._hub("remove-account", name, account)

    def finish(self, name: str, expires: datetime) -> dict[str, str]:
        """Close the workshop; return the secrets of the download links by account."""
        secrets: dict[str, str] = json.loads(self._hub("finish-close", name, expires.isoformat()))
        return secrets

    def _hub(self, *arguments: str) -> str:
        try:
            return self._containers.hub(["workshop", *arguments])
        except RecordError as error:
            words = str(error)
            _, found, sentence = words.partition("Error: ")
            raise WorkshopError(sentence if found else words) from None
