"""Files that a process left behind when it ended while it published tables."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

#: Age from which a file that nothing refers to was left behind; no publication takes that long.
SECONDS = 24 * 3600
_OURS = re.compile(
    r".+-[0-9a-f]{12}\.sqlite(-journal)?"  # the tables of a schema
    r"|tap_schema\.[0-9a-f]{16}\.[0-9a-f]{12}(-journal)?"  # TAP_SCHEMA while it is written
    r"|\..+\.json\.[0-9a-f]{12}"  # a description while it is written
)


def delete_abandoned(folder: Path, published: Collection[str], seconds: float = SECONDS) -> int:
    """Deletes files that were left behind, and returns their number.

    Parameters
    ----------
    folder : pathlib.Path
        With published tables.
    published : collection of str
        Names of the files that belong to published schemas.
    seconds : float
        Younger files may belong to a publication that goes on.
    """
    number = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name in published or not _OURS.fullmatch(path.name):
            continue
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - seconds:
                path.unlink()
                log.info("deleted %s, which a publication left behind", path.name)
                number += 1
    return number
