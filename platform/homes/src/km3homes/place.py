"""The folders of users' Docker volumes, and what the service keeps beside their files."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from km3homes.programs import HomesError
from km3settings.names import Names

__all__ = ["OWNER", "Kind", "Place", "Usage", "find", "find_all"]

Kind = Literal["home", "scratch", "shared"]
#: The images' user, who owns homes.
OWNER = 1000
#: What Docker allows in the name of a volume, without a slash or a leading dot.
_USER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}")


@dataclass(frozen=True)
class Place:
    """One user's home or scratch folder, or a folder that groups share.

    Users can write below `files` only; everything beside it belongs to the service.
    """

    kind: Kind
    user: str
    """The user's name as escaped in names of volumes; the name of a shared folder."""
    folder: Path
    """The folder of the Docker volume."""

    def __str__(self) -> str:
        return f"{self.kind} of {self.user}"

    @property
    def files(self) -> Path:
        """The folder that Docker mounts."""
        return self.folder / "_data"

    @property
    def draft(self) -> Path:
        """Where files are copied to while the home is taken over."""
        return self.folder / ".draft"

    @property
    def ready(self) -> Path:
        """The complete copy, until it takes the place of the files."""
        return self.folder / ".ready"

    @property
    def former(self) -> Path:
        """The files as they were, until the copy is known to be complete."""
        return self.folder / ".former"

    @property
    def discard(self) -> Path:
        """What can be deleted at any time."""
        return self.folder / ".discard"

    def groups(self) -> tuple[str, ...]:
        """Returns the user's groups, as last reported by the hub."""
        try:
            found = json.loads((self.folder / "groups.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        return tuple(map(str, found)) if isinstance(found, list) else ()

    def note_groups(self, groups: tuple[str, ...]) -> None:
        """Remember the user's groups."""
        if groups != self.groups():
            draft = self.folder / "groups.json.new"
            draft.write_text(json.dumps(groups), encoding="utf-8")
            draft.replace(self.folder / "groups.json")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def find(root: Path, names: Names, kind: str, user: str) -> Place:
    """Returns a user's home or scratch folder.

    Parameters
    ----------
    root
        The folder with Docker's volumes.
    names
        The names of this project.
    kind, user
        Which folder, and whose.

    Raises
    ------
    HomesError
        If there is none, or the name is not that of a home of this project.
    """
    if kind not in get_args(Kind) or not _USER.fullmatch(user):
        raise HomesError(f"{kind} of {user!r} is not the name of a home")
    name = _volume(names, kind, user)
    folder = root / name
    if not _is_folder(folder):
        raise HomesError(f"there is no volume {name}")
    return Place(cast("Kind", kind), user, folder)


def _volume(names: Names, kind: str, user: str) -> str:
    named = {"home": names.home, "scratch": names.scratch, "shared": names.shared}
    return named[kind](user)


def find_all(root: Path, names: Names) -> Iterator[Place]:
    """Yields every home, scratch and shared folder of this project, in the order of their names."""
    for entry in sorted(os.listdir(root)):
        for kind in get_args(Kind):
            prefix = _volume(names, kind, "")
            user = entry.removeprefix(prefix)
            if entry.startswith(prefix) and _USER.fullmatch(user) and _is_folder(root / entry):
                yield find(root, names, kind, user)


@dataclass
class Usage:
    """How full a home is."""

    used: int
    """Bytes."""
    limit: int | None
    """Bytes; None: no limit is enforced."""
    note: str = field(default="")
    """Why the limit is not that of the settings; empty: it is."""
