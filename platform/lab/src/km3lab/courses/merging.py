"""New versions of a course's files, merged into the user's copy.

No byte of the user's is changed or removed. A file that the user did not change follows the course;
beside a file that they changed goes the new version (`sheet.new.md`); one that they deleted stays
deleted; one that the course removed stays.

An interrupted merge can be repeated: what is about to be written is recorded before, so that a file
of the unfinished merge is not taken for the user's own.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from km3lab.folder import NO_SPACE, Folder
from km3lab.manifest import folder_of
from km3lab.material import beside

__all__ = ["BusyError", "Given", "Merged", "Record", "locked", "merge"]

_NAME = "courses.json"
_LARGEST_RECORD = 64 << 20
#: Versions beside a changed file.
_MOST = 100


class BusyError(Exception):
    """Another merge is running in this home."""


@dataclass
class Given:
    """What the user got of one file, as SHA-256."""

    sha256: str = ""
    """The version that they were offered last; empty: none."""
    started: list[str] = field(default_factory=list)
    """Versions whose writing began; after an interruption the file may be any of them."""


@dataclass
class Record:
    """What a home got, by source and path below the home."""

    courses: dict[str, dict[str, Given]] = field(default_factory=dict)

    @classmethod
    def load(cls, home: Path) -> Record:
        """Returns the record of a home; without it every file counts as the user's own."""
        try:
            with Folder.at(folder_of(home)) as folder:
                data: Any = json.loads(folder.read(_NAME, _LARGEST_RECORD))
            return cls(
                {
                    str(source): {
                        str(path): Given(
                            str(one["sha256"]), [str(digest) for digest in one["started"]]
                        )
                        for path, one in files.items()
                    }
                    for source, files in data.items()
                }
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()

    def save(self, home: Path) -> None:
        """Write it, whole or not at all."""
        text = json.dumps(asdict(self)["courses"], sort_keys=True) + "\n"
        with Folder.at(folder_of(home), create=True) as folder:
            folder.replace(_NAME, text.encode())


@dataclass
class Merged:
    """What a merge did; paths are below the target folder."""

    written: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """New versions beside files that the user changed."""
    failed: list[str] = field(default_factory=list)
    """Files that could not be written, for example because a file is where a folder should be."""


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Allow one merge at a time in a home.

    Raises
    ------
    BusyError
        While another one is running.
    """
    folder = folder_of(home)
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(folder / "courses.lock", flags, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        yield
    finally:
        os.close(descriptor)


def merge(
    home: Path,
    source: str,
    target: tuple[str, ...],
    files: Iterable[tuple[tuple[str, ...], Callable[[], bytes]]],
    *,
    restore: bool = False,
) -> Merged:
    """Bring a version of a course to its folder; the caller holds the lock.

    Parameters
    ----------
    home
        The user's home.
    source
        Identifies the course, such as the address and branch of its repository.
    target
        The folder below the home.
    files
        Path below the target folder, and a function that returns the content.
    restore
        Whether files that the user deleted come back.

    Raises
    ------
    OSError
        Where the home is full: what was written by then is complete, and a repetition continues.
    """
    record = Record.load(home)
    given = record.courses.setdefault(source, {})
    offered = []
    for parts, content in files:
        one = given.setdefault("/".join((*target, *parts)), Given())
        digest = hashlib.sha256(content()).hexdigest()
        one.started = [*(old for old in one.started if old != digest), digest]
        offered.append((parts, content, one))
    record.save(home)
    done = Merged()
    # A target that cannot be a folder is an error of the whole merge.
    with Folder.at(home) as top, top.inside(target, create=True) as root:
        for parts, content, one in offered:
            path = "/".join(parts)
            try:
                place = _write(root, parts, content, one, restore=restore)
            except OSError as error:
                if error.errno in NO_SPACE:
                    raise
                done.failed.append(path)
                continue
            one.sha256, one.started = one.started[-1], []
            if place:
                written = "/".join((*parts[:-1], place))
                (done.written if place == parts[-1] else done.beside).append(written)
    record.save(home)
    return done


def _write(
    root: Folder,
    parts: tuple[str, ...],
    content: Callable[[], bytes],
    one: Given,
    *,
    restore: bool,
) -> str:
    """Returns the name that was written; empty: nothing had to be."""
    *above, name = parts
    new = one.started[-1]
    if not restore and one.sha256 and _is_missing(root, parts):
        return ""
    with root.inside(tuple(above), create=True) as folder:
        found = folder.look(name)
        if found.kind == "missing":
            folder.add(name, content())
            return name
        # Up to date, or the user's own change and nothing new.
        if found.sha256 == new or (one.sha256 == new and found.sha256 not in one.started):
            return ""
        if found.kind == "file" and found.sha256 in {one.sha256, *one.started} - {""}:
            folder.replace(name, content(), found.mode)
            return name
        return _write_beside(folder, name, content, new)


def _write_beside(folder: Folder, name: str, content: Callable[[], bytes], sha256: str) -> str:
    for number in range(1, _MOST):
        aside = beside(name, number)
        there = folder.look(aside)
        if there.kind == "missing":
            folder.add(aside, content())
            return aside
        if there.kind == "file" and there.sha256 == sha256:
            return ""
    raise FileExistsError(errno.EEXIST, "too many versions", name)


def _is_missing(root: Folder, parts: tuple[str, ...]) -> bool:
    try:
        with root.inside(parts[:-1]) as folder:
            return folder.look(parts[-1]).kind == "missing"
    except FileNotFoundError:
        return True
