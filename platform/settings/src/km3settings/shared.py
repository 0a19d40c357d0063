"""Folders that the members of groups share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from km3settings.amounts import Memory
from km3settings.section import Section

__all__ = ["FolderName", "SharedFolder", "shared_with"]

#: Part of a volume's name and of a path, so nothing in it needs escaping.
FolderName = Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$")]


class SharedFolder(Section):
    """One folder, `~/shared/NAME` in the servers of its members (containers on one machine)."""

    size: Memory
    """How much it may contain."""
    groups: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    """Whose members have it; empty: those of the group with the folder's name."""


def shared_with(folders: Mapping[str, SharedFolder], groups: Collection[str]) -> tuple[str, ...]:
    """Returns the names of the folders that a user of these groups has, sorted."""
    return tuple(
        sorted(
            name
            for name, folder in folders.items()
            if not set(folder.groups or (name,)).isdisjoint(groups)
        )
    )
