"""What a file is: metadata, tables, findings, plots and a sky map, as JSON.

:func:`describe` reads in this process and is for files that the portal made itself.
:func:`describe_safely` reads a stranger's file in the sandbox.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opendata import sandbox

#: Raised whenever descriptions change; older ones are then made again (`describing.anew`).
SCHEME = 2
#: What reading one file may use.
LIMITS = sandbox.Limits(seconds=60, memory=4 * 2**30)
#: Imported while a file is read.
_LIBRARIES = ("astropy.table", "h5py", "opendata.describing.content")


class Unreadable(sandbox.Rejected):
    """The file is damaged or hostile, or its content is not of the kind that its name says."""


def describe(path: Path | str, name: str) -> dict[str, Any]:
    """Describe a file.

    Parameters
    ----------
    path : pathlib.Path or str
        Where its content is.
    name : str
        What it is called; its suffix decides which format it must have.

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

    return describe_content(Path(path), name)


def describe_safely(path: Path, name: str, *, limits: sandbox.Limits = LIMITS) -> dict[str, Any]:
    """Describe a file from a stranger; see :func:`describe`."""
    try:
        found: dict[str, Any] = sandbox.run(
            "opendata.describing:describe", str(path), name, limits=limits, preload=_LIBRARIES
        )
    except sandbox.SandboxError as error:
        raise Unreadable(str(error)) from error
    return found
