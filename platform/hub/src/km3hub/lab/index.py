"""The index of the tutorials: title and first sentence of each notebook."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Tutorial", "tutorials"]

_LONGEST = 220


@dataclass(frozen=True)
class Tutorial:
    """One line of the index."""

    name: str
    """Path below the tutorials' folder."""
    title: str
    about: str


def tutorials(pristine: Path) -> list[Tutorial]:
    """The notebooks of the image in the order of their names, which start with a number."""
    if not pristine.is_dir():
        return []
    paths = [
        path
        for path in sorted(pristine.rglob("*.ipynb"))
        if not any(part.startswith(".") for part in path.relative_to(pristine).parts)
    ]
    return [_tutorial(path, pristine) for path in paths]


def _tutorial(path: Path, pristine: Path) -> Tutorial:
    name = path.relative_to(pristine).as_posix()
    text = ""
    try:
        cells: Any = json.loads(path.read_bytes())["cells"]
        text = "\n\n".join(
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        )
    except (OSError, ValueError, KeyError, TypeError):
        pass
    title, about = path.stem.replace("_", " ").replace("-", " "), ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# "):
            title = line[2:].strip()
            about = _paragraph(lines[number + 1 :])
            break
    return Tutorial(name, title, about)


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
    # A label such as "Learning goal." says nothing in a table, and emphasis that is cut in the
    # middle would spoil the rest of the page.
    paragraph = re.sub(r"^\*\*[^*]{1,40}\*\*:?\s*", "", " ".join(words))
    paragraph = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    if len(paragraph) > _LONGEST:
        paragraph = paragraph[:_LONGEST].rsplit(" ", 1)[0] + " …"
    return paragraph
