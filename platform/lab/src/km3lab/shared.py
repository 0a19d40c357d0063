"""The folders that the user's groups share: the way to them from the home."""

from __future__ import annotations

import os

from km3lab.surroundings import Surroundings

__all__ = ["prepare_shared"]

_NAME = "shared"


def prepare_shared(around: Surroundings) -> tuple[str, ...]:
    """Link the shared folders into the home; return their paths as the user reaches them.

    Something of the user's with that name in the home is left alone.

    Parameters
    ----------
    around
        The server's surroundings.

    Returns
    -------
    tuple
        Such as `~/shared/neutrinos`, or `/shared/neutrinos` where the home has something else of
        that name; empty where the user has no shared folders.
    """
    link = around.home / _NAME
    if around.shared is None:
        if os.path.islink(link) and os.readlink(link) == "/shared":
            link.unlink(missing_ok=True)  # of a former member
        return ()
    start = str(around.shared)
    try:
        if not os.path.lexists(link):
            link.symlink_to(around.shared)
        if os.readlink(link) == start:
            start = f"~/{_NAME}"
    except OSError:  # a file or folder of the user's, or a home that takes no files
        pass
    try:
        names = sorted(entry.name for entry in os.scandir(around.shared) if entry.is_dir())
    except OSError:
        return ()
    return tuple(f"{start}/{name}" for name in names)
