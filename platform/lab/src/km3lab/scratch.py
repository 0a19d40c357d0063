"""The scratch folder: the way to it from the home, and what will be deleted from it next."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from km3lab.surroundings import Surroundings

__all__ = ["Scratch", "prepare_scratch"]

_NAME = "scratch"
_DAY = 86400.0


@dataclass(frozen=True)
class Scratch:
    """What the landing page says about the scratch folder."""

    path: str
    """As the user reaches it: `~/scratch`, or where the home has something else of that name."""
    days: int
    """Days after which unused files are deleted; 0: never."""
    soon: int = 0
    """How many files will be deleted within a week, as far as was counted."""
    next_day: str = ""
    """The day of the next deletion, such as 2026-12-24; empty: not within a week."""


def prepare_scratch(around: Surroundings, *, seconds: float) -> Scratch | None:
    """Link the scratch folder into the home; return what is in it, None where there is none.

    Something of the user's with that name in the home is left alone.

    Parameters
    ----------
    around
        The server's surroundings.
    seconds
        How long counting the files may take.
    """
    if around.scratch is None:
        return None
    link = around.home / _NAME
    try:
        if not os.path.lexists(link):
            link.symlink_to(around.scratch)
        path = f"~/{_NAME}" if os.readlink(link) == str(around.scratch) else str(around.scratch)
    except OSError:  # a file or folder of the user's, or a home that takes no files
        path = str(around.scratch)
    soon, first = _oldest(around.scratch, around.scratch_days, seconds)
    day = time.strftime("%Y-%m-%d", time.localtime(first)) if soon else ""
    return Scratch(path, around.scratch_days, soon, day)


def _oldest(folder: Path, days: int, seconds: float) -> tuple[int, float]:
    """Returns how many files will be deleted within a week, and when the first one will be."""
    if not days:
        return 0, 0.0
    until, now = time.monotonic() + seconds, time.time()
    soon, first = 0, float("inf")
    for top, _, files in os.walk(folder):
        if time.monotonic() > until:
            break
        for name in files:
            try:
                found = os.lstat(os.path.join(top, name))
            except OSError:
                continue
            end = max(found.st_atime, found.st_mtime, found.st_ctime) + days * _DAY
            if end < now + 7 * _DAY:
                soon, first = soon + 1, min(first, max(end, now))
    return soon, first
