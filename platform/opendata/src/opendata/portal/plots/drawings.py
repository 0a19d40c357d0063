"""What a page shows of a file: its tables, plots, sky map and groups.

Drawing ten thousand points takes longer than the rest of a page, so drawings are cached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.safestring import SafeString

from opendata.portal import plots
from opendata.records.models import Description

#: Tables that describe the file itself; the page shows their content elsewhere.
_DESCRIPTIVE = {"header", "raw_header", "group_info"}


@dataclass(frozen=True)
class Drawn:
    """Tables, plots as SVG with their numbers, sky map and groups of a file."""

    tables: list[dict[str, Any]] = field(default_factory=list)
    drawings: list[dict[str, Any]] = field(default_factory=list)
    sky: SafeString | None = None
    tree: list[dict[str, Any]] = field(default_factory=list)
    #: Rows that the sky map cannot show.
    without_position: int = 0


@lru_cache(maxsize=32)
def drawn(file: int, sha256: str, simulated: bool, scheme: int | None) -> Drawn:
    """Returns what a page shows of a file.

    `sha256` and `scheme` are part of the cache's key: a number may be reused, and a later release
    may describe the file anew.
    """
    description = Description.objects.filter(file=file).first()
    if description is None:
        return Drawn()
    content = description.content
    return Drawn(
        tables=[
            item | {"gaps": any(column.get("missing") for column in item["columns"])}
            for item in content.get("tables", [])
            if item["name"] not in _DESCRIPTIVE
        ],
        drawings=[
            {
                "svg": plots.draw(plot, simulated=simulated),
                "title": plots.caption(plot["title"], plot),
                "data": plot,
            }
            for plot in content.get("plots", [])
        ],
        sky=plots.sky(content["sky"], simulated=simulated) if content.get("sky") else None,
        tree=content.get("tree", []),
        without_position=(content.get("sky") or {}).get("missing", 0),
    )
