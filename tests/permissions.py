"""The tables of roles in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["permissions"]

_PAGE = Path(__file__).parents[1] / "docs" / "roles.md"


def permissions(first: str, *, heading: str) -> dict[str, dict[str, str]]:
    """Return a table of docs/roles.md: for each row, the cell of each role.

    Parameters
    ----------
    first
        The head of its first column.
    heading
        The heading of its section.
    """
    text = _PAGE.read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = iter(section.splitlines())
    head = next(line for line in lines if line.startswith(f"| {first} |"))
    roles = [cell.strip() for cell in head.strip("|").split("|")][1:]
    next(lines)  # the rule
    table = {}
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`(.*)`", cells[0])
        assert name, line
        table[name[1]] = dict(zip(roles, cells[1:], strict=True))
    assert table
    return table
