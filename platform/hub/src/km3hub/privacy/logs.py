"""Deletes old log entries of an embedded platform (`privacy.log_days`).

Hub, portal and users' servers append to files in the state folder. Once a day (UTC) each is copied
to a file with the date in its name and emptied; copies that are too old are deleted. Programs that
append go on writing to the same file. In containers, Docker or the journal keep the logs.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

__all__ = ["delete_old_entries", "entries_of", "erase_entries", "named", "rotated"]

log = logging.getLogger("jupyterhub.km3hub.privacy")

_ROTATED = re.compile(r"\.log\.(\d{4}-\d{2}-\d{2})$", re.ASCII)
#: Holds the day of the last rotation.
_MARK = ".rotated"


def delete_old_entries(folder: Path, days: int, now: float) -> None:
    """Rotate the logs where the day has changed, and delete copies that are too old.

    Parameters
    ----------
    folder
        The folder of the logs.
    days
        Days after which entries are deleted.
    now
        The time, in seconds since 1970.

    Raises
    ------
    OSError
        If a log cannot be copied or deleted; the others were treated.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    trouble: OSError | None = None
    if _last_rotation(folder) != today:
        for path in sorted(folder.glob("*.log")):
            try:
                _rotate(path, today)
            except OSError as error:
                trouble = error
        _mark(folder, today)
    for path in rotated(folder):
        # The copy of a day has entries of the day before and of this day.
        if _day(path) < today - timedelta(days=days - 1):
            try:
                path.unlink()
            except OSError as error:
                trouble = error
    if trouble:
        raise trouble


def rotated(folder: Path) -> list[Path]:
    """Returns the dated copies in a folder of logs."""
    return [path for path in sorted(folder.iterdir()) if _ROTATED.search(path.name)]


def entries_of(folder: Path, user: str) -> list[str]:
    """Returns the lines of all logs that name a user."""
    word = named(user)
    found = []
    for path in [*sorted(folder.glob("*.log")), *rotated(folder)]:
        if path.name.startswith(f"server-{user}.log"):
            continue
        with path.open(encoding="utf-8", errors="replace") as lines:
            found += [f"{path.name}: {line.rstrip()}" for line in lines if word.search(line)]
    return found


def named(user: str) -> re.Pattern[str]:
    r"""Returns an expression that finds a user's name as a word of its own in a log.

    Lines of JSON contain line breaks as `\n`, whose last letter is not part of a name.
    """
    return re.compile(rf"(?:(?<![\w-])|(?<=\\[nrt])){re.escape(user)}(?![\w-])")


def _rotate(path: Path, today: date) -> None:
    if path.is_symlink() or not path.stat().st_size:
        return
    copy = path.with_name(f"{path.name}.{today:%Y-%m-%d}")
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with path.open("rb") as source, os.fdopen(descriptor, "ab") as target:
        shutil.copyfileobj(source, target)
    os.truncate(path, 0)


def _last_rotation(folder: Path) -> date | None:
    try:
        return date.fromisoformat((folder / _MARK).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _mark(folder: Path, today: date) -> None:
    (folder / _MARK).write_text(today.isoformat(), encoding="ascii")


def _day(path: Path) -> date:
    found = _ROTATED.search(path.name)
    try:
        return date.fromisoformat(found[1]) if found else date.max
    except ValueError:
        return date.max  # not one of ours


def erase_entries(folder: Path, user: str) -> None:
    """Delete the log of a user's server, and all lines that name the user.

    Raises
    ------
    OSError
        If a log cannot be changed.
    """
    today = datetime.now(UTC).date()
    for path in sorted(folder.glob("*.log")):
        # Lines of a file that a program is writing to are moved to its copy first.
        _rotate(path, today)
    word = named(user)
    for path in rotated(folder):
        if path.name.startswith(f"server-{user}.log."):
            path.unlink()
            continue
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            kept = [line for line in lines if not word.search(line)]
        draft = path.with_name(f".{path.name}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(kept)
        draft.replace(path)
    (folder / f"server-{user}.log").unlink(missing_ok=True)
