"""The limits that `platform.yaml` sets, read again whenever the file changes."""

from __future__ import annotations

import logging
from pathlib import Path

from km3homes.place import Place
from km3settings.amounts import in_bytes
from km3settings.servers import Homes
from km3settings.settings import SettingsError, load

__all__ = ["Limits"]

_log = logging.getLogger("km3homes.limits")


class Limits:
    """The section `homes` of the settings as it is now.

    Parameters
    ----------
    file
        `platform.yaml`; a missing one means the defaults.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._homes = Homes()
        self._read: tuple[int, int] | None = (0, 0)
        self.changed()

    @property
    def homes(self) -> Homes:
        """The section."""
        return self._homes

    def changed(self) -> bool:
        """Read the file if it changed; return whether other limits are in effect now.

        An invalid file changes nothing, because somebody is editing it.
        """
        stamp = self._stamp()
        if stamp == self._read:
            return False
        self._read = stamp
        try:
            homes = load(self._file if stamp else None).homes
        except SettingsError as error:
            _log.warning("the limits stay as they are: %s", str(error).splitlines()[0])
            return False
        differs, self._homes = homes != self._homes, homes
        return differs

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def of(self, place: Place) -> int | None:
        """Returns the limit of a home, scratch or shared folder in bytes; None: there is none."""
        if place.kind == "home":
            return self._homes.limit(place.groups())
        if place.kind == "shared":
            folder = self._homes.shared.get(place.user)
            return in_bytes(folder.size) if folder else None
        size = self._homes.scratch.size
        return in_bytes(size) if size else None
