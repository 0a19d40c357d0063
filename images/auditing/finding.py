"""What an advisory means for an installed package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from auditing.bom import Package

__all__ = ["Database", "DatabaseError", "Finding", "Unjudged"]


class DatabaseError(Exception):
    """A database cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Finding:
    """A package with a known vulnerability."""

    package: Package
    advisory: str
    """The identifier, e.g. CVE-2024-12345."""
    fixed: str
    """The first version without it; empty: there is none."""
    note: str = ""
    """The database's own words on its weight."""


@dataclass(frozen=True)
class Unjudged:
    """A package that could not be compared with an advisory, or not looked up at all."""

    package: Package
    why: str


class Database(Protocol):
    """The advisories in one file."""

    kinds: frozenset[str]
    """The kinds of packages that it covers."""
    written: datetime
    """When it was written, as far as the file tells."""

    def check(self, packages: Iterable[Package]) -> tuple[list[Finding], list[Unjudged]]:
        """Return what is known about packages of its kinds."""
