"""Column names: changed for formats that cannot hold them, and restored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_LONGEST = 60  # characters; a FITS card has 80


def storable(names: Iterable[str], *, upper: bool = False) -> dict[str, str]:
    """Return a name of ASCII letters, digits and underscores for each; unique ignoring case.

    ``Log(E1/GeV)`` becomes ``Log_E1_GeV``. FITS compares names ignoring case, and PyTables refuses
    slashes. Writers note the original names, and readers restore them.
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
    """Return distinct names: a second ``a`` becomes ``a_2``."""
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


def printable_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name that an XML attribute can hold for each: printable, without outer blanks.

    Names that are valid already are not changed.
    """
    given = list(names)
    taken = {name for name in given if _is_printable(name)}
    result = {}
    for name in given:
        if _is_printable(name):
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
    """Replace the characters that XML and FITS headers cannot hold by underscores."""
    return "".join(c if c.isprintable() or c in "\n\t" else "_" for c in text)


def renamed(content: dict[str, T], names: Any) -> dict[str, T]:
    """Return columns under their original names; `names` maps stored to original names."""
    known = names if isinstance(names, dict) else {}
    return {str(known.get(name, name)): value for name, value in content.items()}


def _is_printable(name: str) -> bool:
    return bool(name) and name == name.strip() and name.isprintable()
