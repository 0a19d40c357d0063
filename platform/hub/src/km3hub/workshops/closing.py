"""Closing a workshop: servers stop, homes are archived, then homes and accounts are removed.

Each step of each account is recorded, so that a run that was interrupted is continued by the next.
Nothing is removed before its archive was read back and found to be equal.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from km3hub.login.access import AccessError, AccessFile
from km3hub.login.account import AccountsError
from km3hub.membership.names import WorkshopError
from km3hub.spawning.hosts import HostsFile
from km3hub.teaching.desk import Desk
from km3hub.workshops.archive import Archived, DiskFull, archive
from km3hub.workshops.closing_place import ClosingPlace
from km3hub.workshops.creating import Workshops
from km3hub.workshops.downloads import Download, Downloads
from km3hub.workshops.stopping import stop_servers
from km3settings.state import State

__all__ = ["Closing", "close"]


class Closing:
    """The steps that change the state folder.

    Parameters
    ----------
    state
        The state folder.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.workshops = Workshops(state)
        self.downloads = Downloads(state)

    def begin(self, name: str, hub: str) -> list[Download]:
        """End all logins and servers of a workshop; return what is to be archived.

        Parameters
        ----------
        name
            The workshop.
        hub
            The address of the hub's pages.

        Raises
        ------
        WorkshopError
            Where a server does not stop.
        """
        with self.workshops.alone():
            known = self.workshops.store.require(name)
            if known.state == "closed":
                raise WorkshopError(
                    f"the workshop {name} is closed; list its archives: km3hub workshop downloads"
                    f" {name}"
                )
            members = [member.account for member in self.workshops.store.members(name)]
            present = [account for account in members if self.workshops.accounts.get(account)]
            with self.workshops.store.transaction() as change:
                change.set_state(name, "closing")
            self.workshops.accounts.change_all(present, expires=datetime.now(UTC))
            self.downloads.begin(name, {account: self._home(account) for account in present})
            stop_servers(hub, self.state.secret("platform"), present)
            return self.downloads.of(name)

    def _home(self, account: str) -> str:
        try:
            return account + AccessFile(self.state.access).get(account).home_suffix
        except AccessError as error:
            raise WorkshopError(str(error)) from None

    def archive(
        self, name: str, account: str, home: Path | None, progress: Callable[[int], object]
    ) -> Archived | None:
        """Archive a home, or use the archive of an earlier run; None where there is no home."""
        known = next((one for one in self.downloads.of(name) if one.account == account), None)
        if known is None:
            raise WorkshopError(f"{account} is not an account of the workshop {name}")
        target = self.downloads.path(name, account)
        if home is None:
            if known.bytes or known.step != "pending":
                self.require_archived(name, account)
                return None
            self._refuse_elsewhere(account, known.home)
            self.downloads.archived(name, account, None)
            return None
        done = archive(home, target, account=account, workshop=name, progress=progress)
        self._hand_over(target)
        self.downloads.archived(name, account, done)
        return done

    def _refuse_elsewhere(self, account: str, home: str) -> None:
        known = HostsFile(self.state.hosts).homes
        host = known.get(home) or known.get(account)
        if host:
            raise WorkshopError(
                f"the home of {account} is on the machine {host}, not on this one; nothing of"
                f" {account} was removed. Export it there (docs/admins.md), then remove the"
                f" account: km3hub accounts remove {account}"
            )

    def _hand_over(self, target: Path) -> None:
        """Make what root has written the hub's."""
        if os.geteuid() == 0:
            owner = self.state.root.stat()
            beside = target.with_name(f"{target.name}.sha256")
            for path in (target, beside, target.parent, target.parent.parent):
                os.chown(path, owner.st_uid, owner.st_gid)

    def require_archived(self, name: str, account: str) -> None:
        """Refuse to go on where there is no complete archive of an account.

        Raises
        ------
        WorkshopError
            With the reason.
        """
        known = next((one for one in self.downloads.of(name) if one.account == account), None)
        if known is None or known.step == "pending":
            raise WorkshopError(f"{account} is not archived; nothing was removed")
        if known.bytes:
            _require_same(self.downloads.path(name, account), known)

    def remove(self, name: str, account: str) -> None:
        """Remove an account whose home is gone."""
        try:
            if self.workshops.accounts.get(account):
                self.workshops.accounts.remove(account)
        except AccountsError as error:
            raise WorkshopError(str(error)) from None
        HostsFile(self.state.hosts).forget_user(account)
        self.downloads.removed(name, account)

    def finish(self, name: str, expires: datetime) -> dict[str, str]:
        """Close a workshop of which nothing is left; return the secrets of its download links.

        Raises
        ------
        WorkshopError
            Where something is left.
        """
        left = [one.account for one in self.downloads.of(name) if one.step != "removed"]
        if left:
            raise WorkshopError(f"not all accounts are archived and removed: {', '.join(left)}")
        secrets = self.downloads.issue(name, expires)
        self.workshops.cards(name).forget()
        # The others are forgotten when their archives expire.
        for member in self.workshops.store.members(name):
            if member.account not in secrets:
                self.downloads.delete(name, member.account)
        with self.workshops.store.transaction() as change:
            change.set_state(name, "closed")
            change.database.execute("DELETE FROM invitation WHERE workshop = ?", (name,))
        if self.state.teaching.exists():
            Desk(self.state.teaching, self.state.teaching_files).forget_workshop(name)
        return secrets


def close(
    place: ClosingPlace, name: str, report: Callable[[str], object]
) -> Iterator[WorkshopError]:
    """Archive and remove what is left of a workshop; yields the problem of each account.

    An account with a problem stays as it is, and the others go on. A full disk ends it at once.

    Parameters
    ----------
    place
        Where the homes are.
    name
        The workshop.
    report
        Gets a line per account.
    """
    for one in place.begin(name):
        if one.step == "removed":
            report(f"{one.account}: was archived and removed before")
            continue
        try:
            words = place.archive(name, one)
            place.require_archived(name, one.account)
            place.erase_home(one.home)
            place.remove(name, one.account)
            report(f"{one.account}: {words}")
        except WorkshopError as error:
            report(f"{one.account}: not removed")
            yield error
            if isinstance(error, DiskFull):
                return


def _require_same(path: Path, known: Download) -> None:
    """Refuse an archive that is not the one that was compared with the home."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WorkshopError(
            f"{path}: the archive of {known.account} cannot be read: {error.strerror}"
        ) from None
    if found != known.sha256:
        raise WorkshopError(f"{path}: is not the archive that was made of {known.account}'s home")
