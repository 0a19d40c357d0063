"""Adding to a value that another topic may have set."""

from __future__ import annotations

from typing import Any

__all__ = ["extend"]


def extend(section: Any, name: str, more: Any) -> None:
    """Add `more`, a list or a dictionary, to the value `name` of a section of `c`."""
    present = section.get(name)
    if isinstance(more, dict):
        value: Any = {**(present if isinstance(present, dict) else {}), **more}
    else:
        value = [*(present if isinstance(present, list) else []), *more]
    setattr(section, name, value)
