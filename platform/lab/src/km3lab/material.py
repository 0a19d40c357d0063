"""Files of a workshop in the user's home: those that teachers publish, and those they collect.

A published file goes to `~/workshop/NAME/`. What the user changed or put there is never
overwritten: the new version then goes beside it. Nothing is read or written through a link.
"""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from km3lab.folder import Folder
from km3lab.manifest import folder_of

__all__ = ["FOLDER", "NotCollectedError", "PublishedFile", "beside", "collect", "deliver"]

#: The folder in the user's home.
FOLDER = "workshop"
#: What teachers may collect, and how much; the hub has the same limits.
_COLLECTED = (FOLDER, "tutorials")
LARGEST = 20 << 20
_RECORD = "workshops.json"
#: Versions beside a changed file.
_MOST = 100

Trouble = Literal["missing", "large", "other", "unreadable"]


class NotCollectedError(Exception):
    """There is nothing to collect; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True)
class PublishedFile:
    """A file that teachers published."""

    workshop: str
    name: str
    content: bytes
    read_only: bool

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def deliver(home: Path, file: PublishedFile) -> str:
    """Write a published file to the home; return its path below the home.

    Raises
    ------
    OSError
        Where it cannot be written, for example because the home is full, or because a file or a
        link is where its folder should be.
    """
    for name in (file.workshop, file.name):
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise OSError(errno.EINVAL, "is not a valid name", name)
    record = _read_record(home)
    given = record.get(f"{file.workshop}/{file.name}", "")
    mode = 0o444 if file.read_only else 0o644
    with (
        Folder.at(home / FOLDER, create=True) as top,
        top.inside((file.workshop,), create=True) as folder,
    ):
        place = _write(folder, file, given, mode)
    record[f"{file.workshop}/{file.name}"] = file.sha256
    _write_record(home, record)
    return f"{FOLDER}/{file.workshop}/{place}"


def _write(folder: Folder, file: PublishedFile, given: str, mode: int) -> str:
    found = folder.look(file.name)
    if found.kind == "file" and found.sha256 == file.sha256:
        return file.name
    if found.kind == "missing" and given == file.sha256:
        return file.name  # deleted by the user, and the same version again
    if found.kind == "missing":
        folder.add(file.name, file.content, mode)
        return file.name
    if found.kind == "file" and given and found.sha256 == given:
        folder.replace(file.name, file.content, mode)
        return file.name
    for number in range(1, _MOST):
        name = beside(file.name, number)
        there = folder.look(name)
        if there.kind == "missing":
            folder.add(name, file.content, mode)
            return name
        if there.kind == "file" and there.sha256 == file.sha256:
            return name
    raise FileExistsError(errno.EEXIST, "too many versions", file.name)


def beside(name: str, number: int) -> str:
    """Returns the name of a new version beside a changed file: `sheet.new.md`."""
    path = PurePosixPath(name)
    tail = f"-{number}" if number > 1 else ""
    return f"{path.stem}.new{tail}{path.suffix}"


def _read_record(home: Path) -> dict[str, str]:
    """Returns the digest of the version that the user got of each file; without it, none."""
    try:
        with Folder.at(folder_of(home)) as folder:
            data = json.loads(folder.read(_RECORD, LARGEST))
        return {str(name): str(digest) for name, digest in data.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _write_record(home: Path, record: dict[str, str]) -> None:
    with Folder.at(folder_of(home), create=True) as folder:
        folder.replace(_RECORD, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())


def collect(home: Path, path: str) -> bytes:
    """Returns the content of a file that teachers collect.

    Raises
    ------
    NotCollectedError
        Where there is none that may be collected.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] not in _COLLECTED or any(p.startswith(".") for p in parts):
        raise NotCollectedError("other")
    try:
        with Folder.at(home) as top, top.inside(parts[:-1]) as folder:
            return folder.read(parts[-1], LARGEST)
    except FileNotFoundError:
        raise NotCollectedError("missing") from None
    except ValueError:
        raise NotCollectedError("large") from None
    except PermissionError:
        raise NotCollectedError("unreadable") from None
    except OSError:
        raise NotCollectedError("other") from None
