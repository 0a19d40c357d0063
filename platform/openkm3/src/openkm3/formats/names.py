"""Column names that a format cannot hold as they are, and the way back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_LONGEST = 60  # characters, since FITS has a card of 80 for a name


def storable(names: Iterable[str], *, upper: bool = False) -> dict[str, str]:
    """Return, for each name, one of ASCII letters, digits and underscores; unique without case.

    ``Log(E1/GeV)`` becomes ``Log_E1_GeV``. FITS compares names without case and PyTables refuses
    the slash; writers note the original names and readers restore them.
    """
    taken: set[str] = set()
    result = {}
    for name in names:
        plain = unicodedata.normalize("NFKD", name)
        plain = "".join(c for c in plain if not unicodedata.combining(c))
        base = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")[:_LONGEST] or "column"
        base = base.upper() if upper else base
        if base[0].isdigit():
            base = f"c_{base}"
        candidate, number = base, 2
        while candidate.lower() in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate.lower())
        result[name] = candidate
    return result


def unique(names: Iterable[str]) -> list[str]:
    """Return names of which none is there twice: a later ``a`` becomes ``a_2``."""
    given = list(names)
    taken: set[str] = set()
    result = []
    for name in given:
        candidate, number = name, 2
        while candidate in taken or (candidate != name and candidate in given):
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        result.append(candidate)
    return result


def speakable(names: Iterable[str]) -> dict[str, str]:
    """Return, for each name, one that an XML attribute can hold: printable, without outer blanks.

    Names that are so already stay as they are.
    """
    given = list(names)
    taken = {name for name in given if _is_speakable(name)}
    result = {}
    for name in given:
        if _is_speakable(name):
            result[name] = name
            continue
        base = re.sub(r"\s", "_", printable(name.strip())).strip() or "column"
        candidate, number = base, 2
        while candidate in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate)
        result[name] = candidate
    return result


def printable(text: str) -> str:
    """Return a text without the characters that XML and FITS headers cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else "_" for c in text)


def renamed(content: dict[str, T], names: Any) -> dict[str, T]:
    """Return columns under their original names, as a writer noted them (stored to original)."""
    known = names if isinstance(names, dict) else {}
    return {str(known.get(name, name)): value for name, value in content.items()}


def _is_speakable(name: str) -> bool:
    return bool(name) and name == name.strip() and name.isprintable()
