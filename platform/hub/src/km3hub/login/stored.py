"""JSON files of the state folder: replaced as a whole, read again only after a change."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock

__all__ = ["LOCK_SECONDS", "StoredFile", "replace_file"]

#: Seconds that a writer waits for another one.
LOCK_SECONDS = 10

Content = TypeVar("Content")


def replace_file(path: Path, text: str) -> None:
    """Replace a file, so that readers see the old or the new content; mode 0600.

    After a change by root, too, the folder's owner (the hub) can read it.

    Raises
    ------
    OSError
        If it cannot be written; the old file stays.
    """
    folder = path.parent
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=f".{path.stem}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        if os.geteuid() == 0:
            owner = folder.stat()
            for changed in (draft, f"{path}.lock"):
                with suppress(FileNotFoundError):
                    os.chown(changed, owner.st_uid, owner.st_gid)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


class StoredFile(Generic[Content]):
    """The content of one file, in memory.

    Parameters
    ----------
    path
        The file; one that is missing is empty.
    read
        Returns the content of a text; raises ValueError for a damaged one.
    write
        Returns the text of a content.
    empty
        Returns the content of a missing file.
    """

    def __init__(
        self,
        path: Path,
        *,
        read: Callable[[bytes], Content],
        write: Callable[[Content], str],
        empty: Callable[[], Content],
    ) -> None:
        self.path = path
        self._parse = read
        self._text = write
        self._empty = empty
        self._seen: tuple[int, int, int] | None = None
        self._content = empty()

    def version(self) -> tuple[int, int, int] | None:
        """Returns what changes with the file; None for a missing one."""
        try:
            info = self.path.stat()
        except FileNotFoundError:
            return None
        return info.st_mtime_ns, info.st_ino, info.st_size

    def content(self) -> Content:
        """Returns the content.

        Raises
        ------
        OSError, ValueError
            If the file cannot be read or is damaged. It is not modified.
        """
        version = self.version()
        if version is None:
            self._seen, self._content = None, self._empty()
        elif version != self._seen:
            self._content = self._parse(self.path.read_bytes())
            self._seen = version
        return self._content

    @contextmanager
    def changing(self) -> Iterator[Content]:
        """Yields the current content, which is written when the block ends without an error.

        Raises
        ------
        filelock.Timeout
            If another program has been changing the file for 10 seconds.
        OSError, ValueError
            If it cannot be read or written.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600):
            self._seen = None
            content = self.content()
            before = self._text(content)
            yield content
            text = self._text(content)
            if text != before:
                replace_file(self.path, text)
                self._seen = self.version()
