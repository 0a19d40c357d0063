"""The index of the tutorials: descriptions from their README, or else from each notebook."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Tutorial", "tutorials"]

_LONGEST = 220
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+\.ipynb)\)")


@dataclass(frozen=True)
class Tutorial:
    """One line of the index."""

    name: str
    """Path below the tutorials' folder."""
    title: str
    about: str
    minutes: str = ""
    environment: str = ""
    """The environment that it needs, if the index names one."""


def tutorials(pristine: Path) -> list[Tutorial]:
    """The notebooks of the image in the order of their names, which start with a number."""
    if not pristine.is_dir():
        return []
    paths = [
        path
        for path in sorted(pristine.rglob("*.ipynb"))
        if not any(part.startswith(".") for part in path.relative_to(pristine).parts)
    ]
    rows = _rows(pristine / "README.md")
    return [_tutorial(path, pristine, rows) for path in paths]


def _rows(readme: Path) -> dict[str, dict[str, str]]:
    """The rows of the README's tables that link a notebook: its name to its cells by heading."""
    try:
        lines = readme.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    rows = {}
    heads: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        link = _LINK.search(line)
        if not heads:
            heads = [cell.lower() for cell in cells]
        elif link:
            rows[link[2].removeprefix("./")] = dict(zip(heads, cells, strict=False))
    return rows


def _tutorial(path: Path, pristine: Path, rows: dict[str, dict[str, str]]) -> Tutorial:
    name = path.relative_to(pristine).as_posix()
    title, about = _own_words(path)
    row = rows.get(name, {})
    return Tutorial(
        name,
        title,
        row.get("what you learn") or about,
        minutes=row.get("minutes", ""),
        environment=row.get("environment", ""),
    )


def _own_words(path: Path) -> tuple[str, str]:
    text = ""
    try:
        cells: Any = json.loads(path.read_bytes())["cells"]
        text = "\n\n".join(
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        )
    except (OSError, ValueError, KeyError, TypeError):
        # A notebook that cannot be read is still listed, by its name.
        pass
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# "):
            return line[2:].strip(), _paragraph(lines[number + 1 :])
    return path.stem.replace("_", " ").replace("-", " "), ""


def _paragraph(lines: list[str]) -> str:
    words: list[str] = []
    for line in lines:
        text = line.strip()
        if words and not text:
            break
        if not text or text.startswith(("#", "!", "<", "|", "---", "```")):
            if words:
                break
            continue
        words.append(text.lstrip("> "))
    # A label such as "Learning goal." is useless in a table, and emphasis that is cut in the
    # middle would spoil the rest of the page.
    paragraph = re.sub(r"^\*\*[^*]{1,40}\*\*:?\s*", "", " ".join(words))
    paragraph = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    if len(paragraph) > _LONGEST:
        paragraph = paragraph[:_LONGEST].rsplit(" ", 1)[0] + " …"
    return paragraph
