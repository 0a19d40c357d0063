"""Paths as users type them."""

from __future__ import annotations

from pathlib import Path

from ..formats import FORMATS


def exists(path: Path) -> bool:
    """Return whether a file or folder exists; False for names that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def looks_like_file(text: str) -> bool:
    """Return whether a text can only be a file: it has a slash, or the suffix of a format."""
    suffixes = {suffix for form in FORMATS.values() for suffix in form.suffixes}
    return "/" in text or Path(text).suffix.lower() in suffixes
