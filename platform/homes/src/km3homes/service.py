"""What the service does for a home, whatever enforces its limit."""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from km3homes.backend import Backend, Unenforced
from km3homes.limits import Limits
from km3homes.moving import delete, delete_entries
from km3homes.place import OWNER, Place, Usage, find, find_all
from km3homes.programs import HomesError
from km3homes.purge import purge
from km3settings.names import Names

__all__ = ["Homes"]

#: File systems round limits to their blocks.
_ROUNDING = 64 << 10

#: Other members may be using a shared folder, so that its files cannot be moved.
_LATE = Usage(0, None, "its limit is not enforced, because it had files before it had a limit")

_log = logging.getLogger("km3homes.service")


class Homes:
    """The homes and scratch folders of one project on this machine. All calls block.

    Parameters
    ----------
    root
        The folder with Docker's volumes.
    names
        The names of the project.
    limits
        The limits that the settings set.
    backends
        All ways to enforce limits that work here, by name. A home that was made by one stays with
        it.
    chosen
        The one for new homes.
    """

    def __init__(
        self,
        *,
        root: Path,
        names: Names,
        limits: Limits,
        backends: Mapping[str, Backend],
        chosen: str,
    ) -> None:
        self._root = root
        self._names = names
        self._limits = limits
        self._backends = backends
        self._chosen: Backend = backends.get(chosen) or Unenforced()
        self._locks: dict[Path, threading.Lock] = defaultdict(threading.Lock)

    def backend_of(self, place: Place) -> Backend:
        """Returns what enforces the limit of a home now."""
        made = (backend for backend in self._backends.values() if backend.is_made(place))
        return next(made, Unenforced())

    def find(self, kind: str, user: str) -> Place:
        """Returns a user's home or scratch folder.

        Raises
        ------
        HomesError
            If there is none.
        """
        return find(self._root, self._names, kind, user)

    def prepare(
        self,
        place: Place,
        groups: tuple[str, ...],
        report: Callable[[int, int], None],
        *,
        unused: bool,
    ) -> Usage | None:
        """Make a home ready for its user's server; an older home is taken over.

        Parameters
        ----------
        place
            The home.
        groups
            The user's groups, which decide about the limit.
        report
            Called with the bytes that were copied and those of the whole.
        unused
            Whether the caller has made sure that no container uses the home.

        Returns
        -------
        Usage or None
            How full it is. None: it has to be taken over, and the caller has to make sure first
            that no container uses it.

        Raises
        ------
        HomesError
            If it cannot be made ready.
        """
        with self._lock(place):
            if place.kind != "shared":
                place.note_groups(groups)
            # Docker gives a home its owner, as the image has that folder.
            if place.kind != "home" and os.stat(place.files).st_uid == 0:
                os.chown(place.files, OWNER, OWNER)
            limit, backend = self._limits.of(place), self.backend_of(place)
            if isinstance(backend, Unenforced) and limit is not None:
                if self._chosen.name == "none":
                    return Usage(0, None, "limits are not enforced on this machine")
                if not unused and any(os.scandir(place.files)):
                    return _LATE if place.kind == "shared" else None
                backend = self._chosen
                backend.make(place, limit, report)
                _log.info("the %s is now enforced by %s", place, backend.name)
            backend.open(place)
            if limit is not None and unused:
                backend.grow(place, limit)
            return self._apply(backend, place, limit)

    def _apply(self, backend: Backend, place: Place, limit: int | None) -> Usage:
        """Set a limit, but never one below what the home contains."""
        found = backend.usage(place)
        note = ""
        allowed = limit
        if limit is not None and found.used > limit:
            allowed = found.used
            note = (
                f"contains {_amount(found.used)}, more than its limit of {_amount(limit)}; nothing"
                " more can be saved, and the limit follows as files are deleted"
            )
        if _differ(allowed, found.limit):
            backend.limit(place, allowed)
            found = backend.usage(place)
            if not note and limit is not None and found.limit is not None:
                short = limit - found.limit
                if short > max(1 << 20, limit // 100):
                    note = (
                        f"can contain {_amount(found.limit)} now, and {_amount(limit)} after its"
                        " user's server was stopped and started"
                    )
        return Usage(found.used, found.limit, note)

    def usage(self, place: Place) -> Usage:
        """Returns how full a home is."""
        backend = self.backend_of(place)
        if isinstance(backend, Unenforced):
            return Usage(0, None, "limits are not enforced" if self._limits.of(place) else "")
        with self._lock(place):
            backend.open(place)
            return self._apply(backend, place, self._limits.of(place))

    def open_all(self) -> None:
        """Open all homes, and finish what a crash interrupted; a problem with one is logged."""
        for place in find_all(self._root, self._names):
            with self._logged(place), self._lock(place):
                self.backend_of(place).open(place)

    def all(self) -> Iterator[tuple[Place, Usage]]:
        """Yields all homes with their use."""
        for place in find_all(self._root, self._names):
            try:
                yield place, self.usage(place)
            except HomesError as error:
                yield place, Usage(0, None, str(error))

    def apply_all(self) -> None:
        """Set the limits of all homes as the settings say now."""
        for place in find_all(self._root, self._names):
            with self._logged(place):
                found = self.usage(place)
                if found.note:
                    _log.warning("the %s %s", place, found.note)

    def confine_all(self, name: str) -> None:
        """Count again what users excluded from the limits, for the homes of one backend."""
        for place in find_all(self._root, self._names):
            backend = self.backend_of(place)
            if backend.name == name:
                with self._logged(place), self._lock(place):
                    backend.confine(place)

    def purge_all(self) -> None:
        """Delete old files of scratch folders."""
        days = self._limits.homes.scratch.purge_days
        if not days or not self._limits.homes.scratch.size:
            return
        for place in find_all(self._root, self._names):
            if place.kind == "scratch":
                with self._logged(place):
                    number = purge(place.files, days)
                    if number:
                        _log.info("deleted %d files of the %s", number, place)

    def remove(self, place: Place) -> None:
        """Delete a home with all its files; the empty volume is left to Docker."""
        with self._lock(place):
            self.backend_of(place).remove(place)
            if place.files.is_dir():
                delete_entries(place.files)
            for path in (place.draft, place.ready, place.former, place.discard):
                delete(path)

    @contextmanager
    def _lock(self, place: Place) -> Iterator[None]:
        with self._locks[place.folder]:
            yield

    @staticmethod
    @contextmanager
    def _logged(place: Place) -> Iterator[None]:
        try:
            yield
        except (HomesError, OSError) as error:
            _log.error("the %s: %s", place, error)


def _differ(wanted: int | None, found: int | None) -> bool:
    if wanted is None or found is None:
        return wanted is not found
    return abs(wanted - found) > _ROUNDING


def _amount(size: int) -> str:
    return f"{size / 1024**3:.2f} GB" if size >= 1024**3 else f"{size / 1024**2:.1f} MB"
