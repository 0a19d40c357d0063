"""Datasets kept on disk, under a key of everything they depend on.

::

    <cache>/<kind>-<name>-<key>/       files, and manifest.json with their checksums and the inputs
    <cache>/<kind>-<name>-<key>.lock   held while an entry is made or read

An entry appears complete, by one renaming. A damaged one is moved aside with a warning and rebuilt.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from filelock import FileLock

from nugamma.errors import CacheError, NugammaWarning

log = logging.getLogger(__name__)
T = TypeVar("T")
MANIFEST = "manifest.json"


class CacheWarning(NugammaWarning):
    """An entry of the cache was damaged and is rebuilt."""


class DatasetCache:
    """A folder of datasets that several processes may use at once.

    Parameters
    ----------
    folder
        Created if it does not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def fetch(
        self,
        kind: str,
        inputs: Mapping[str, Any],
        *,
        make: Callable[[], T],
        write: Callable[[T, Path], None],
        read: Callable[[Path], T],
    ) -> T:
        """Returns an entry, from disk if possible, else newly made and kept.

        If two processes want the same entry, one makes it while the other waits.

        Parameters
        ----------
        kind
            Kind of entry, for the name of its folder.
        inputs
            Everything that the entry depends on, in types that JSON has.
        make
            Makes the entry.
        write, read
            Write the entry into a folder, and read it back.

        Raises
        ------
        CacheError
            If the folder cannot be read or written.
        """
        text = json.dumps(inputs, sort_keys=True, indent=1)
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        name = re.sub(r"[^A-Za-z0-9.+]+", "_", str(inputs.get("name", "")))[:40]
        entry = self.folder / f"{kind}-{name}-{key}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{entry}.lock")
            try:
                lock.acquire()
            except OSError as error:
                if not entry.exists():
                    raise
                # A cache that is filled once and mounted read-only: entries appear complete, so an
                # existing one can be read without a lock.
                return self._unlocked(entry, read, error)
            try:
                return self._locked(entry, inputs, make, write, read)
            finally:
                lock.release()
        except OSError as error:
            raise CacheError(
                f"the cache {self.folder} cannot be used: {error}; free space or give another "
                "folder"
            ) from error

    def _locked(
        self,
        entry: Path,
        inputs: Mapping[str, Any],
        make: Callable[[], T],
        write: Callable[[T, Path], None],
        read: Callable[[Path], T],
    ) -> T:
        if entry.exists():
            try:
                _verify(entry)
                return read(entry)
            except (OSError, ValueError, KeyError) as error:
                self._move_aside(entry, error)
        made = make()
        self._store(entry, inputs, made, write)
        return made

    def _unlocked(self, entry: Path, read: Callable[[Path], T], reason: OSError) -> T:
        """Reads an entry from a cache that is not writable."""
        try:
            _verify(entry)
            return read(entry)
        except (OSError, ValueError, KeyError) as error:
            raise CacheError(
                f"the cache entry {entry} is damaged ({error}) and cannot be rebuilt, because the "
                f"cache is not writable ({reason.strerror}); give another folder"
            ) from error

    def _store(
        self, entry: Path, inputs: Mapping[str, Any], made: T, write: Callable[[T, Path], None]
    ) -> None:
        """Writes an entry under a temporary name, and renames it when it is complete."""
        draft = Path(mkdtemp(prefix=f"{entry.name}.", suffix=".part", dir=self.folder))
        try:
            write(made, draft)
            files = {path.name: _sha256(path) for path in sorted(draft.iterdir())}
            manifest = json.dumps({"files": files, "inputs": inputs}, indent=1)
            (draft / MANIFEST).write_text(manifest, encoding="utf-8")
            draft.chmod(0o755)
            draft.replace(entry)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def _move_aside(self, entry: Path, error: Exception) -> None:
        """Moves a damaged entry aside."""
        aside = Path(mkdtemp(prefix=f"{entry.name}.", suffix=".damaged", dir=self.folder))
        os.replace(entry, aside)
        message = f"the cache entry {entry} is damaged ({error}); moved to {aside} and rebuilt"
        warnings.warn(message, CacheWarning, stacklevel=5)
        log.warning(message)


def _verify(entry: Path) -> None:
    """Compares the files of an entry with their checksums."""
    manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
    files = manifest["files"]
    if not files:
        raise ValueError("it has no files")
    for name, checksum in files.items():
        if _sha256(entry / name) != checksum:
            raise ValueError(f"the checksum of {name} differs")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
