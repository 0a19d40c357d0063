"""platform.yaml while it is being edited.

The hub reads it when it starts, and so does the broker. But the hub may be restarted, by itself or
by the engine, after the file was changed and before `make up`. So what either version allows is
allowed: both were written by an administrator.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from km3broker.refusal import Refusal
from km3broker.rules import Rules
from km3settings.names import Names
from km3settings.settings import SettingsError, load

__all__ = ["RulesFile"]

_Result = TypeVar("_Result")
_log = structlog.stdlib.get_logger("km3broker")


class RulesFile:
    """The rules of the file as it was at the start, and as it is.

    Parameters
    ----------
    path
        platform.yaml; None: the defaults.
    names
        Names of this project.

    Raises
    ------
    SettingsError
        If the file is invalid at the start.
    """

    def __init__(self, path: Path | None, names: Names) -> None:
        self._path = path
        self._names = names
        self._stamp = self._stat()
        self.started = self._latest = Rules(load(path), names)

    def allow(self, build: Callable[[Rules], _Result]) -> _Result:
        """Returns what `build` makes of the newest rules, or else of those of the start.

        Raises
        ------
        Refusal
            If both refuse; that of the newest.
        """
        newest = self._newest()
        try:
            return build(newest)
        except Refusal as refusal:
            if newest is not self.started:
                try:
                    return build(self.started)
                except Refusal:
                    pass
            raise refusal from None

    def _newest(self) -> Rules:
        stamp = self._stat()
        if stamp == self._stamp:
            return self._latest
        self._stamp = stamp
        try:
            self._latest = Rules(load(self._path), self._names)
        except SettingsError as error:
            _log.warning("the changed platform.yaml is not used", reason=str(error))
        return self._latest

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:  # being replaced
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None
