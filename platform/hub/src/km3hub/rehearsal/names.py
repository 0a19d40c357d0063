"""Names of the temporary accounts of a rehearsal, by which they are found and removed."""

from __future__ import annotations

import re
import secrets

__all__ = ["MOST", "is_rehearsal", "new_names"]

#: As many accounts one rehearsal may have.
MOST = 500
_PATTERN = re.compile(r"rehearsal-[0-9a-f]{6}-[0-9]{3}", re.ASCII)


def new_names(users: int) -> list[str]:
    """Returns names that no earlier rehearsal had, e.g. `rehearsal-3fa9c1-001`."""
    run = secrets.token_hex(3)
    return [f"rehearsal-{run}-{number:03d}" for number in range(1, users + 1)]


def is_rehearsal(name: str) -> bool:
    """Returns whether a name is that of a temporary account of a rehearsal."""
    return bool(_PATTERN.fullmatch(name))
