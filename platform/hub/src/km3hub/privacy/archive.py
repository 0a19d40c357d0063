"""The archive that a person gets: everything that the platform knows of them."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Archive", "writing"]

_README = """# Data of {name}

Everything that this platform kept of the user {name} on {day} (UTC).

| file | content |
|---|---|
{rows}

Secrets are not included: passwords and tokens are stored as hashes only, which would be of no use.
{missing}"""


class Archive:
    """A compressed tar archive that is being written."""

    def __init__(self, tar: tarfile.TarFile, name: str) -> None:
        self._tar = tar
        self._name = name
        self._rows: list[tuple[str, str]] = []
        self._missing: list[str] = []

    def add_json(self, file: str, meaning: str, content: Any) -> None:
        """Add a JSON file; nothing if there is no content."""
        if content:
            text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            self.add_text(file, meaning, text)

    def add_text(self, file: str, meaning: str, text: str) -> None:
        """Add a text file; nothing if it is empty."""
        if text:
            self._rows.append((file, meaning))
            self._write(file, text)

    def add_folder(self, folder: Path, meaning: str) -> None:
        """Add the home from a folder. Links are stored as links, sockets and the like are not."""
        self._rows.append(("home/", meaning))
        self._tar.add(folder, "home", filter=_plain)

    def add_stream(self, stream: tarfile.TarFile, meaning: str) -> None:
        """Add the home from another archive, whose paths begin with the name of its folder."""
        self._rows.append(("home/", meaning))
        for member in stream:
            _, _, rest = member.name.partition("/")
            kept = _plain(member)
            if kept is None:
                continue
            kept.name = f"home/{rest}".rstrip("/")
            if kept.islnk():
                kept.linkname = f"home/{kept.linkname.partition('/')[2]}"
            self._tar.addfile(kept, stream.extractfile(member) if member.isfile() else None)

    def miss(self, what: str) -> None:
        """Say in the README that something is not included, and why."""
        self._missing.append(what)

    def close(self) -> None:
        """Add the README."""
        rows = "\n".join(f"| `{file}` | {meaning} |" for file, meaning in self._rows)
        missing = "\n".join(f"\nNot included: {what}." for what in self._missing)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        self._write(
            "README.md", _README.format(name=self._name, day=day, rows=rows, missing=missing)
        )

    def _write(self, file: str, text: str) -> None:
        data = text.encode()
        entry = tarfile.TarInfo(file)
        entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
        self._tar.addfile(entry, io.BytesIO(data))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return member if member.isfile() or member.isdir() or member.issym() or member.islnk() else None


@contextmanager
def writing(path: Path, name: str) -> Iterator[Archive]:
    """Write an archive for a person, readable by its owner only.

    Where that fails there is no archive: it gets its name when it is complete.

    Raises
    ------
    OSError
        If it cannot be written. An existing file is not replaced.
    """
    if path.exists():
        raise FileExistsError(17, "exists already; move it away or choose another --output", path)
    draft = path.with_name(f".{path.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as tar,
        ):
            archive = Archive(tar, name)
            yield archive
            archive.close()
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
