"""The archive of a home: a ZIP file that is compared with the home before anything is deleted.

ZIP, because every participant's computer opens it. It contains `home/`, `SHA256SUMS` as `sha256sum
--check` reads it, and `README.txt`, which names what is not in it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from km3hub.membership.names import WorkshopError
from km3hub.workshops.home_tree import Entry, HomeError, entries, reading

__all__ = ["ROOM", "Archived", "DiskFull", "archive"]

#: Bytes of the disk that are left free: the hub's database and other users need them.
ROOM = 512 * 2**20
_CHUNK = 2**20
#: The first and the last year that a ZIP file can name.
_YEARS = (1980, 2107)
_README = """The home of {account}, archived at the end of the workshop {workshop} on {day} (UTC).

home/       the files
SHA256SUMS  checksums; to check them where this archive was unpacked: sha256sum --check SHA256SUMS
{notes}"""


class DiskFull(WorkshopError):
    """There is no room for an archive; nothing was removed."""


@dataclass(frozen=True)
class Archived:
    """A complete archive that was compared with the home."""

    bytes: int
    sha256: str
    """Of the ZIP file."""
    files: int


def archive(
    home: Path,
    target: Path,
    *,
    account: str,
    workshop: str,
    room: int = ROOM,
    progress: Callable[[int], object] = lambda _: None,
) -> Archived:
    """Write the archive of a home, read it back, and compare it with the home.

    Beside it is `TARGET.sha256` with the checksums of the archive and of all files in it. Both
    have mode 0600, and get their names only when everything was found to be equal.

    Parameters
    ----------
    home
        The folder of the home. Nothing must write to it.
    target
        The ZIP file; replaced where it exists.
    account, workshop
        For the README.
    room
        Bytes of the disk that must stay free.
    progress
        Called with the bytes that were read, twice for each file.

    Raises
    ------
    HomeError
        Where something cannot be read, or changed meanwhile.
    DiskFull
        Where there is no room.
    """
    draft = target.with_name(f".{target.name}.part")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        found = entries(home)
        names = _names(found)
        packing = _Packing(home, found, names, _Room(draft.parent, room, account), progress)
        with _created(draft) as file:
            sums = packing.write(file, account, workshop)
            file.flush()
            os.fsync(file.fileno())
        packing.compare(draft, sums)
        whole = _sum_of(draft)
        _write_list(target, whole, sums)
        os.replace(draft, target)
        return Archived(target.stat().st_size, whole, len(sums))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError):
        raise WorkshopError(
            f"{target}: could not be read back as it was written; is the disk damaged? Nothing of"
            f" {account} was removed"
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(account, target.parent) from None
        raise WorkshopError(f"{target}: cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


class _Room:
    """Refuses to fill the disk."""

    def __init__(self, folder: Path, room: int, account: str) -> None:
        self._folder, self._room, self._account = folder, room, account

    def require(self) -> None:
        if shutil.disk_usage(self._folder).free < self._room:
            raise _disk_full(self._account, self._folder)


def _disk_full(account: str, folder: Path) -> DiskFull:
    return DiskFull(
        f"the disk with {folder} has no room for the archive of {account}. Nothing of {account} was"
        " removed. Make room, for example by moving finished archives to another disk, then run"
        " the command again"
    )


def _created(path: Path) -> IO[bytes]:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _names(found: Sequence[Entry]) -> dict[bytes, str]:
    """Returns the name in the archive of each path, each another one."""
    names: dict[bytes, str] = {}
    used: set[str] = set()
    # First the names that stay as they are.
    for entry in sorted(found, key=lambda entry: not _is_kept(entry.path)):
        name = wanted = f"home/{_decoded(entry.path)}"
        number = 1
        while name in used:
            number += 1
            name = f"{wanted}~{number}"
        used.add(name)
        names[entry.path] = name
    return names


def _decoded(path: bytes) -> str:
    """Returns a path as text; what is not UTF-8, and what unpackers mangle, becomes `%FF`."""
    text = path.decode(errors="surrogateescape")
    return "".join(
        f"%{ord(c) - 0xDC00:02X}"
        if "\udc80" <= c <= "\udcff"
        else f"%{ord(c):02X}"
        if c < " " or c == "\x7f"
        else c
        for c in text
    )


def _is_kept(path: bytes) -> bool:
    return _decoded(path).encode() == path


@dataclass(frozen=True)
class _Packing:
    """Puts a home into a ZIP file, and compares both."""

    home: Path
    found: Sequence[Entry]
    names: Mapping[bytes, str]
    room: _Room
    progress: Callable[[int], object]

    def write(self, file: IO[bytes], account: str, workshop: str) -> dict[str, str]:
        """Write the ZIP file; return the checksum of each file in it."""
        sums: dict[str, str] = {}
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
            for entry in self.found:
                name = self.names[entry.path]
                self.room.require()
                if entry.kind == "folder":
                    packed.writestr(_info(f"{name}/", entry, stat.S_IFDIR), b"")
                elif entry.kind == "link":
                    packed.writestr(_info(name, entry, stat.S_IFLNK), entry.target)
                elif entry.kind == "file":
                    info = _info(name, entry, stat.S_IFREG)
                    with packed.open(info, "w", force_zip64=True) as out:
                        sums[name] = self._copy(entry, out)
            packed.writestr("SHA256SUMS", _list(sums))
            notes = "".join(f"\n{line}" for line in _notes(self.found, self.names))
            day = time.strftime("%Y-%m-%d", time.gmtime())
            readme = _README.format(account=account, workshop=workshop, day=day, notes=notes)
            packed.writestr("README.txt", readme)
        return sums

    def _copy(self, entry: Entry, out: IO[bytes]) -> str:
        total = 0
        checksum = hashlib.sha256()
        for chunk in self._chunks(entry):
            self.room.require()
            out.write(chunk)
            checksum.update(chunk)
            total += len(chunk)
        if total != entry.size:
            raise _changed(entry)
        return checksum.hexdigest()

    def _chunks(self, entry: Entry) -> Iterator[bytes]:
        with reading(self.home, entry) as descriptor:
            while chunk := os.read(descriptor, _CHUNK):
                yield chunk
                self.progress(len(chunk))

    def compare(self, path: Path, sums: Mapping[str, str]) -> None:
        """Read the archive back and compare it with the home, which is read again."""
        if entries(self.home) != list(self.found):
            raise HomeError("the home changed while it was archived; run the command again")
        with zipfile.ZipFile(path) as packed:
            inside = {info.filename: info for info in packed.infolist()}
            for entry in self.found:
                name = self.names[entry.path]
                if entry.kind == "file":
                    checksum = hashlib.sha256()
                    for chunk in self._chunks(entry):
                        checksum.update(chunk)
                    same = checksum.hexdigest() == sums[name] == _unpacked(packed, inside[name])
                elif entry.kind == "link":
                    same = packed.read(name) == entry.target
                else:
                    same = entry.kind == "other" or f"{name}/" in inside
                if not same:
                    raise _changed(entry)


def _info(name: str, entry: Entry, kind: int) -> zipfile.ZipInfo:
    moment = time.gmtime(max(0.0, min(entry.mtime, 4e9)))
    date = moment[:6] if _YEARS[0] <= moment[0] <= _YEARS[1] else (_YEARS[0], 1, 1, 0, 0, 0)
    info = zipfile.ZipInfo(name, date)
    info.create_system = 3  # Unix
    info.external_attr = (kind | entry.mode) << 16 | (0x10 if kind == stat.S_IFDIR else 0)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _unpacked(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    checksum = hashlib.sha256()
    with packed.open(info) as file:
        while chunk := file.read(_CHUNK):
            checksum.update(chunk)
    return checksum.hexdigest()


def _changed(entry: Entry) -> HomeError:
    return HomeError(f"{entry.shown}: changed while it was archived; run the command again")


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list(sums: Mapping[str, str]) -> str:
    return "".join(f"{_line(name, checksum)}\n" for name, checksum in sorted(sums.items()))


def _line(name: str, checksum: str) -> str:
    """Returns a line as `sha256sum` writes it, which escapes backslashes."""
    escaped = name.replace("\\", "\\\\")
    return f"{'' if escaped == name else chr(92)}{checksum}  {escaped}"


def _write_list(target: Path, whole: str, sums: Mapping[str, str]) -> None:
    beside = target.with_name(f"{target.name}.sha256")
    with _created(draft := beside.with_name(f".{beside.name}.part")) as file:
        file.write(f"{_line(target.name, whole)}\n{_list(sums)}".encode())
        os.fsync(file.fileno())
    os.replace(draft, beside)


def _notes(found: Sequence[Entry], names: Mapping[bytes, str]) -> Iterator[str]:
    """Yields what a reader of the archive should know of unusual files."""
    for entry in found:
        name = names[entry.path]
        if entry.kind == "other":
            yield f"Not included, because it is not a file: {name!a}"
        elif entry.kind == "link":
            yield f"Link: {name!a} -> {entry.target.decode(errors='backslashreplace')!a}"
        if not _is_kept(entry.path):
            yield f"Renamed, because computers differ on such names: {entry.path!r} -> {name!a}"
