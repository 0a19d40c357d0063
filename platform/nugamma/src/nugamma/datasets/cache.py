"""Datasets kept on disk, under a key of everything that they were made from.

::

    <cache>/<kind>-<name>-<key>/       files, and manifest.json with their checksums and the inputs
    <cache>/<kind>-<name>-<key>.lock   held by who makes or reads the entry

An entry appears whole, by one renaming. A damaged one is put aside with a warning and made anew.
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

from nugamma.errors import CacheError

log = logging.getLogger(__name__)
T = TypeVar("T")
MANIFEST = "manifest.json"


class CacheWarning(UserWarning):
    """An entry of the cache was damaged, and is made anew."""


class DatasetCache:
    """A folder of datasets, which several processes may use at once.

    Parameters
    ----------
    folder
        Is made if it is not there.
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
        """An entry, from disk if it is there, else made and kept.

        Of two processes that want the same entry one makes it while the other waits.

        Parameters
        ----------
        kind
            What it is, for the name of its folder.
        inputs
            Everything that the entry depends on, as JSON can hold it.
        make
            Makes the entry.
        write, read
            Put it into a folder, and get it out of there.

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
                # A cache that is filled once and mounted read-only: entries appear whole, so
                # one that is there can be read without a lock.
                return self._unlocked(entry, read, error)
            try:
                return self._locked(entry, inputs, make, write, read)
            finally:
                lock.release()
        except OSError as error:
            raise CacheError(
                f"the cache {self.folder} cannot be used: {error}; make room or give another folder"
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
                self._put_aside(entry, error)
        made = make()
        self._store(entry, inputs, made, write)
        return made

    def _unlocked(self, entry: Path, read: Callable[[Path], T], reason: OSError) -> T:
        """An entry of a cache that cannot be written."""
        try:
            _verify(entry)
            return read(entry)
        except (OSError, ValueError, KeyError) as error:
            raise CacheError(
                f"the cache entry {entry} is damaged ({error}) and cannot be replaced, as the "
                f"cache cannot be written ({reason.strerror}); give another folder"
            ) from error

    def _store(
        self, entry: Path, inputs: Mapping[str, Any], made: T, write: Callable[[T, Path], None]
    ) -> None:
        """Write an entry beside its place, and move it there when it is whole."""
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

    def _put_aside(self, entry: Path, error: Exception) -> None:
        """Keep what is left of a damaged entry, out of the way."""
        aside = Path(mkdtemp(prefix=f"{entry.name}.", suffix=".damaged", dir=self.folder))
        os.replace(entry, aside)
        message = f"the cache entry {entry} is damaged ({error}); it is now {aside}, and made anew"
        warnings.warn(message, CacheWarning, stacklevel=5)
        log.warning(message)


def _verify(entry: Path) -> None:
    """Compare the files of an entry with their checksums."""
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
