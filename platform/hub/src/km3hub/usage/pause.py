"""The switch that stops new servers from being started, with the reason for users."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["LONGEST_REASON", "Pause", "PauseFile"]

LONGEST_REASON = 300


@dataclass(frozen=True)
class Pause:
    """No new servers are started."""

    reason: str
    """For users, e.g. "The machine is being upgraded until noon."."""
    since: datetime


@dataclass(frozen=True)
class PauseFile:
    """The switch, a file that survives the hub.

    Parameters
    ----------
    path
        Where it is; absent: servers are started as usual.
    """

    path: Path

    def read(self) -> Pause | None:
        """Returns the pause, or None.

        A file that cannot be understood still means a pause: an administrator wrote it.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError:
            text = ""
        try:
            data = json.loads(text)
            return Pause(str(data["reason"]), datetime.fromisoformat(data["since"]))
        except (ValueError, TypeError, KeyError):
            return Pause("", datetime.now(UTC))

    def write(self, reason: str) -> None:
        """Stop new servers from being started.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = datetime.now(UTC).replace(microsecond=0)
        descriptor, draft = tempfile.mkstemp(dir=self.path.parent, prefix=".pause-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"reason": reason, "since": now.isoformat()}, file)
            # The hub must be able to read what root wrote.
            os.chmod(draft, 0o644)
            os.replace(draft, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise

    def clear(self) -> bool:
        """Allow servers to start again; return whether there was a pause.

        Raises
        ------
        OSError
            If the file cannot be removed.
        """
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True
