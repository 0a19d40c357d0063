"""Paths as users type them."""

from __future__ import annotations

from pathlib import Path


def exists(path: Path) -> bool:
    """Return whether there is such a file or folder; a name that no file can have is not there."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
