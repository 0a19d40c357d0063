"""Paths as users type them."""

from __future__ import annotations

from pathlib import Path


def exists(path: Path) -> bool:
    """Return whether a file or folder exists; False for names that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
