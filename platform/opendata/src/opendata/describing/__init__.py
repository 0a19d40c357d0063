"""What a file is: metadata, tables, findings, plots and a sky map, as JSON.

:func:`describe` reads in this process and is for files that we made. :func:`describe_safely` reads
in a process of its own with limits of time and memory: the C libraries behind some formats crash
on damaged files, and a portal must survive any upload.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Goes up when descriptions say more or other things; older ones are made anew (`describing.anew`).
SCHEME = 2


class Unreadable(Exception):
    """The file is damaged, hostile, or its kind of content is not what its name says."""


def describe(path: Path, name: str) -> dict[str, Any]:
    """Describe a file.

    Parameters
    ----------
    path : pathlib.Path
        Where its content is.
    name : str
        What it is called; decides whether it has to be of a known format.

    Returns
    -------
    dict
        Keys `scheme`, `format`, `annotation`, `findings`, `service` (what TAP cannot serve),
        `tables`, `plots`, `sky`, `tree`; only those that make sense for the file.

    Raises
    ------
    Unreadable
        With what is wrong.
    """
    from .content import describe_content

    return describe_content(path, name)


def describe_safely(
    path: Path, name: str, *, seconds: float = 60.0, memory: int = 4 * 2**30
) -> dict[str, Any]:
    """Describe a file from a stranger; see :func:`describe`."""
    command = [sys.executable, "-m", "opendata.describing.process", str(path), name, str(memory)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"took longer than {seconds:g} s to read") from None
    if done.returncode == 0:
        result: dict[str, Any] = json.loads(done.stdout)
        return result
    if done.returncode == 2:
        raise Unreadable(done.stdout.decode("utf-8", "replace"))
    raise Unreadable("is damaged such that reading it crashes or exhausts memory")
