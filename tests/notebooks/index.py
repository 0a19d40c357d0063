"""The table of `notebooks/README.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ROW = re.compile(
    r"^\|\s*(?P<number>\d\d)\s*"
    r"\|\s*\[(?P<title>[^\]]+)\]\((?P<file>[^)]+\.ipynb)\)\s*"
    r"\|\s*(?P<learn>[^|]+?)\s*"
    r"\|\s*(?P<minutes>\d+)\s*"
    r"\|\s*(?P<environment>stack|joint)\s*\|$"
)


@dataclass(frozen=True)
class Entry:
    """One tutorial in the index."""

    number: str
    title: str
    file: str
    learn: str
    minutes: int
    environment: str


def entries(readme: Path) -> list[Entry]:
    """The rows of the index, in order."""
    found = (_ROW.match(line) for line in readme.read_text(encoding="utf-8").splitlines())
    rows = [match.groupdict() for match in found if match]
    return [Entry(**{**row, "minutes": int(row["minutes"])}) for row in rows]
